# The DPDK libraries and drivers that are linked in, statically; drivers whole: they register themselves
# in constructors that nothing refers to. Not pkg-config: its static list names every driver there is.
set(drivers af_packet af_xdp tap ring null memif virtio e1000 igc ixgbe i40e)
set(whole librte_bus_vdev.a librte_bus_pci.a librte_mempool_ring.a)
foreach(driver ${drivers})
  list(APPEND whole librte_net_${driver}.a)
endforeach()
set(rest)
foreach(library kvargs telemetry eal ring rcu mempool mbuf net meter pci ethdev timer hash security
        cryptodev gso)
  list(APPEND rest librte_${library}.a)
endforeach()
foreach(part whole rest)
  set(paths)
  foreach(archive ${${part}})
    find_library(found_${archive} NAMES ${archive} REQUIRED)
    list(APPEND paths ${found_${archive}})
  endforeach()
  list(JOIN paths "," ${part})
endforeach()

# By path: CMake turns the name libx.a into -Bstatic -lx -Bdynamic, which undoes -static-pie.
set(support)
foreach(archive libxdp.a libbpf.a libelf.a libz.a libbsd.a libmd.a)
  find_library(found_${archive} NAMES ${archive} REQUIRED)
  list(APPEND support ${found_${archive}})
endforeach()

add_library(vedette_dpdk INTERFACE)
target_include_directories(vedette_dpdk SYSTEM INTERFACE
  ${VEDETTE_SYSROOT}/usr/include/dpdk
  ${VEDETTE_SYSROOT}/usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/dpdk)
# One comma-joined string: CMake would otherwise drop the repeated flags.
target_link_libraries(vedette_dpdk INTERFACE
  "-Wl,--whole-archive,${whole},--no-whole-archive,--start-group,${rest},--end-group"
  ${support} m dl)
# src/platform/library_probes.cpp
foreach(function access getentropy dlopen __rte_trace_point_register)
  target_link_options(vedette_dpdk INTERFACE LINKER:--undefined=__wrap_${function},--wrap=${function})
endforeach()
