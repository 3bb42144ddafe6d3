// The items of each category, as its part of EUROCONTROL SPEC-149 lists them. Items that the node
// does not use have only a length and are shown as bytes.
#include "edge/codec/asterix.hpp"

namespace vedette::codec {
namespace {

using F = AsterixField;
using I = AsterixItem;
using K = AsterixKind;
using S = AsterixShape;

constexpr double kNauticalMile = 1852.0;
constexpr double kFoot = 0.3048;
constexpr double kLevel = 25.0 * kFoot;  // a quarter of a flight level
constexpr double kAngle8 = 360.0 / 256.0;
constexpr double kAngle14 = 360.0 / 16384.0;
constexpr double kAngle16 = 360.0 / 65536.0;
constexpr double kClock = 1.0 / 128.0;
constexpr double kRange = kNauticalMile / 256.0;
constexpr double kRadarSpeed = kNauticalMile / 16384.0;
constexpr double kWgs23 = 180.0 / 8388608.0;
constexpr double kWgs25 = 180.0 / 33554432.0;
constexpr double kWgs31 = 180.0 / 2147483648.0;

constexpr F number(std::string_view name, std::uint8_t bits, double unit = 1.0) {
  return {name, bits, K::whole, unit};
}
constexpr F flag(std::string_view name) {
  return {name, 1, K::whole, 1.0};
}
constexpr F integer(std::string_view name, std::uint8_t bits, double unit) {
  return {name, bits, K::integer, unit};
}
constexpr F gap(std::uint8_t bits) {
  return {"", bits, K::spare, 1.0};
}
constexpr F kMore{"", 1, K::extension, 1.0};

constexpr I fixed(std::string_view name, std::uint8_t bytes, std::span<const F> fields = {}) {
  return {name, S::fixed, bytes, fields, {}};
}
constexpr I extended(std::string_view name, std::span<const F> fields = {},
                     std::uint8_t bytes = 1) {
  return {name, S::extended, bytes, fields, {}};
}
constexpr I repeated(std::string_view name, std::uint8_t bytes, std::span<const F> fields = {}) {
  return {name, S::repeated, bytes, fields, {}};
}
constexpr I compound(std::string_view name, std::span<const I> parts) {
  return {name, S::compound, 0, {}, parts};
}
constexpr I counted(std::string_view name) {
  return {name, S::counted, 0, {}, {}};
}
constexpr I kNone{"", S::spare, 0, {}, {}};

// Shared by several categories.
constexpr F kSource[] = {number("SAC", 8), number("SIC", 8)};
constexpr F kTimeOfDay[] = {number("VALUE", 24, kClock)};
constexpr F kOctet[] = {number("VALUE", 8)};
constexpr F kAddress[] = {number("VALUE", 24)};
constexpr F kMode3A[] = {flag("V"), flag("G"), flag("L"), gap(1), number("MODE3A", 12)};
constexpr F kMode2[] = {flag("V"), flag("G"), flag("L"), gap(1), number("MODE2", 12)};
constexpr F kFlightLevel[] = {flag("V"), flag("G"), integer("FL", 14, kLevel)};
constexpr F kIdentification[] = {{"VALUE", 48, K::text, 1.0}};
constexpr F kCallsign[] = {number("STI", 2), gap(6), {"CHR", 48, K::text, 1.0}};
constexpr F kTrackNumber12[] = {gap(4), number("TRN", 12)};
constexpr F k010_161[] = {gap(4), number("TRK", 12)};
constexpr F kModeS[] = {{"MBDATA", 56, K::raw, 1.0}, number("BDS1", 4), number("BDS2", 4)};
constexpr F kVehicleFleet[] = {number("VALUE", 8)};
constexpr F kSize[] = {number("LENGTH", 7), kMore, number("ORIENTATION", 7, 360.0 / 128.0), kMore,
                       number("WIDTH", 7),  kMore};
constexpr F kPolar[] = {number("RHO", 16, kRange), number("THETA", 16, kAngle16)};

// Category 010, edition 1.1.
constexpr F k010_020[] = {
    number("TYP", 3), flag("DCR"), flag("CHN"), flag("GBS"),      flag("CRT"),      kMore,
    flag("SIM"),      flag("TST"), flag("RAB"), number("LOP", 2), number("TOT", 2), kMore,
    flag("SPI"),      gap(6),      kMore};
constexpr F k010_041[] = {integer("LAT", 32, kWgs31), integer("LON", 32, kWgs31)};
constexpr F k010_040[] = {number("RHO", 16), number("TH", 16, kAngle16)};
constexpr F k010_042[] = {integer("X", 16, 1.0), integer("Y", 16, 1.0)};
constexpr F k010_200[] = {number("GSP", 16, kRadarSpeed), number("TRA", 16, kAngle16)};
constexpr F k010_202[] = {integer("VX", 16, 0.25), integer("VY", 16, 0.25)};
constexpr F k010_170[] = {flag("CNF"),
                          flag("TRE"),
                          number("CST", 2),
                          flag("MAH"),
                          flag("TCC"),
                          flag("STH"),
                          kMore,
                          number("TOM", 2),
                          number("DOU", 3),
                          number("MRS", 2),
                          kMore,
                          flag("GHO"),
                          gap(6),
                          kMore};
constexpr F k010_091[] = {integer("VALUE", 16, 6.25 * kFoot)};
constexpr F k010_550[] = {number("NOGO", 2), flag("OVL"), flag("TSV"),
                          flag("DIV"),       flag("TTF"), gap(2)};
constexpr F k010_310[] = {flag("TRB"), number("MSG", 7)};
constexpr F k010_500[] = {number("DEVX", 8, 0.25), number("DEVY", 8, 0.25),
                          integer("COVXY", 16, 0.25)};
constexpr F k010_280[] = {integer("DRHO", 8, 1.0), integer("DTHETA", 8, 0.15)};
constexpr F k010_210[] = {integer("AX", 8, 0.25), integer("AY", 8, 0.25)};
constexpr I k010[] = {fixed("010", 2, kSource),
                      fixed("000", 1, kOctet),
                      extended("020", k010_020),
                      fixed("140", 3, kTimeOfDay),
                      fixed("041", 8, k010_041),
                      fixed("040", 4, k010_040),
                      fixed("042", 4, k010_042),
                      fixed("200", 4, k010_200),
                      fixed("202", 4, k010_202),
                      fixed("161", 2, k010_161),
                      extended("170", k010_170),
                      fixed("060", 2, kMode3A),
                      fixed("220", 3, kAddress),
                      fixed("245", 7, kCallsign),
                      repeated("250", 8, kModeS),
                      fixed("300", 1, kVehicleFleet),
                      fixed("090", 2, kFlightLevel),
                      fixed("091", 2, k010_091),
                      extended("270", kSize),
                      fixed("550", 1, k010_550),
                      fixed("310", 1, k010_310),
                      fixed("500", 4, k010_500),
                      repeated("280", 2, k010_280),
                      fixed("131", 1, kOctet),
                      fixed("210", 2, k010_210),
                      kNone,
                      counted("SP"),
                      counted("RE")};

// Category 034, edition 1.29.
constexpr F k034_020[] = {number("VALUE", 8, kAngle8)};
constexpr F k034_041[] = {number("VALUE", 16, kClock)};
constexpr F k034_050_com[] = {flag("NOGO"),   flag("RDPC"), flag("RDPR"), flag("OVLRDP"),
                              flag("OVLXMT"), flag("MSC"),  flag("TSV"),  gap(1)};
constexpr F k034_050_psr[] = {flag("ANT"), number("CHAB", 2), flag("OVL"), flag("MSC"), gap(3)};
constexpr F k034_050_mds[] = {flag("ANT"),    number("CHAB", 2), flag("OVLSUR"),
                              flag("MSC"),    flag("SCF"),       flag("DLF"),
                              flag("OVLSCF"), flag("OVLDLF"),    gap(7)};
constexpr I k034_050[] = {fixed("COM", 1, k034_050_com),
                          kNone,
                          kNone,
                          fixed("PSR", 1, k034_050_psr),
                          fixed("SSR", 1, k034_050_psr),
                          fixed("MDS", 2, k034_050_mds),
                          kNone};
constexpr F k034_060_com[] = {gap(1), number("REDRDP", 3), number("REDXMT", 3), gap(1)};
constexpr F k034_060_psr[] = {flag("POL"), number("REDRAD", 3), number("STC", 2), gap(2)};
constexpr F k034_060_ssr[] = {number("REDRAD", 3), gap(5)};
constexpr F k034_060_mds[] = {number("REDRAD", 3), flag("CLU"), gap(4)};
constexpr I k034_060[] = {fixed("COM", 1, k034_060_com),
                          kNone,
                          kNone,
                          fixed("PSR", 1, k034_060_psr),
                          fixed("SSR", 1, k034_060_ssr),
                          fixed("MDS", 1, k034_060_mds),
                          kNone};
constexpr F k034_070[] = {number("TYP", 5), number("COUNTER", 11)};
constexpr F k034_100[] = {number("RHOST", 16, kRange), number("RHOEND", 16, kRange),
                          number("THETAST", 16, kAngle16), number("THETAEND", 16, kAngle16)};
constexpr F k034_120[] = {integer("HGT", 16, 1.0), integer("LAT", 24, kWgs23),
                          integer("LON", 24, kWgs23)};
constexpr F k034_090[] = {integer("RE", 8, kNauticalMile / 128.0), integer("AE", 8, kAngle14)};
constexpr I k034[] = {fixed("010", 2, kSource),
                      fixed("000", 1, kOctet),
                      fixed("030", 3, kTimeOfDay),
                      fixed("020", 1, k034_020),
                      fixed("041", 2, k034_041),
                      compound("050", k034_050),
                      compound("060", k034_060),
                      repeated("070", 2, k034_070),
                      fixed("100", 8, k034_100),
                      fixed("110", 1, kOctet),
                      fixed("120", 8, k034_120),
                      fixed("090", 2, k034_090),
                      counted("RE"),
                      counted("SP")};

// Category 048, edition 1.31.
constexpr F k048_020[] = {number("TYP", 3),
                          flag("SIM"),
                          flag("RDP"),
                          flag("SPI"),
                          flag("RAB"),
                          kMore,
                          flag("TST"),
                          flag("ERR"),
                          flag("XPP"),
                          flag("ME"),
                          flag("MI"),
                          number("FOEFRI", 2),
                          kMore};
constexpr F k048_srl[] = {number("VALUE", 8, 360.0 / 8192.0)};
constexpr F k048_amplitude[] = {integer("VALUE", 8, 1.0)};
constexpr F k048_rpd[] = {integer("VALUE", 8, kRange)};
constexpr F k048_apd[] = {integer("VALUE", 8, kAngle14)};
constexpr I k048_130[] = {fixed("SRL", 1, k048_srl),       fixed("SRR", 1, kOctet),
                          fixed("SAM", 1, k048_amplitude), fixed("PRL", 1, k048_srl),
                          fixed("PAM", 1, k048_amplitude), fixed("RPD", 1, k048_rpd),
                          fixed("APD", 1, k048_apd)};
constexpr F k048_042[] = {integer("X", 16, kNauticalMile / 128.0),
                          integer("Y", 16, kNauticalMile / 128.0)};
constexpr F k048_200[] = {number("GSP", 16, kRadarSpeed), number("HDG", 16, kAngle16)};
constexpr F k048_170[] = {
    flag("CNF"), number("RAD", 2), flag("DOU"), flag("MAH"), number("CDM", 2), kMore,
    flag("TRE"), flag("GHO"),      flag("SUP"), flag("TCC"), gap(3),           kMore};
constexpr F k048_210[] = {number("X", 8, kNauticalMile / 128.0),
                          number("Y", 8, kNauticalMile / 128.0), number("V", 8, kRadarSpeed),
                          number("H", 8, 360.0 / 4096.0)};
constexpr F k048_080[] = {gap(4), number("QA", 12)};
constexpr F k048_100[] = {flag("V"), flag("G"), gap(2), number("C", 12), gap(4), number("QC", 12)};
constexpr F k048_110[] = {gap(2), integer("3DH", 14, 25.0 * kFoot)};
constexpr F k048_cal[] = {flag("D"), gap(5), integer("CAL", 10, 1.0)};
constexpr F k048_rds[] = {integer("DOP", 16, 1.0), number("AMB", 16), number("FRQ", 16)};
constexpr I k048_120[] = {
    fixed("CAL", 2, k048_cal), repeated("RDS", 6, k048_rds), kNone, kNone, kNone, kNone, kNone};
constexpr F k048_230[] = {number("COM", 3), number("STAT", 3), flag("SI"),
                          gap(1),           flag("MSSC"),      flag("ARC"),
                          flag("AIC"),      flag("B1A"),       number("B1B", 4)};
constexpr F k048_055[] = {flag("V"), flag("G"), flag("L"), number("MODE1", 5)};
constexpr F k048_065[] = {gap(3), number("QM1", 5)};
constexpr F k048_060[] = {gap(4), number("QM2", 12)};
constexpr I k048[] = {fixed("010", 2, kSource),
                      fixed("140", 3, kTimeOfDay),
                      extended("020", k048_020),
                      fixed("040", 4, kPolar),
                      fixed("070", 2, kMode3A),
                      fixed("090", 2, kFlightLevel),
                      compound("130", k048_130),
                      fixed("220", 3, kAddress),
                      fixed("240", 6, kIdentification),
                      repeated("250", 8, kModeS),
                      fixed("161", 2, kTrackNumber12),
                      fixed("042", 4, k048_042),
                      fixed("200", 4, k048_200),
                      extended("170", k048_170),
                      fixed("210", 4, k048_210),
                      extended("030"),
                      fixed("080", 2, k048_080),
                      fixed("100", 4, k048_100),
                      fixed("110", 2, k048_110),
                      compound("120", k048_120),
                      fixed("230", 2, k048_230),
                      fixed("260", 7),
                      fixed("055", 1, k048_055),
                      fixed("050", 2, kMode2),
                      fixed("065", 1, k048_065),
                      fixed("060", 2, k048_060),
                      counted("SP"),
                      counted("RE")};

// Category 062, edition 1.20.
constexpr F k062_105[] = {integer("LAT", 32, kWgs25), integer("LON", 32, kWgs25)};
constexpr F k062_100[] = {integer("X", 24, 0.5), integer("Y", 24, 0.5)};
constexpr F k062_185[] = {integer("VX", 16, 0.25), integer("VY", 16, 0.25)};
constexpr F k062_210[] = {integer("AX", 8, 0.25), integer("AY", 8, 0.25)};
constexpr F k062_060[] = {flag("V"), flag("G"), flag("CH"), gap(1), number("MODE3A", 12)};
constexpr F k062_com[] = {number("COM", 3), number("STAT", 3), gap(2),      flag("SSC"),
                          flag("ARC"),      flag("AIC"),       flag("B1A"), number("B1B", 4)};
constexpr F k062_angle[] = {number("VALUE", 16, kAngle16)};
constexpr F k062_knots[] = {number("VALUE", 16, kNauticalMile / 3600.0)};
constexpr F k062_rate[] = {integer("VALUE", 16, 6.25 * kFoot / 60.0)};
constexpr F k062_gsp[] = {integer("VALUE", 16, kRadarSpeed)};
constexpr I k062_380[] = {fixed("ADR", 3, kAddress),
                          fixed("ID", 6, kIdentification),
                          fixed("MHG", 2, k062_angle),
                          fixed("IAS", 2),
                          fixed("TAS", 2, k062_knots),
                          fixed("SAL", 2),
                          fixed("FSS", 2),
                          extended("TIS"),
                          repeated("TID", 15),
                          fixed("COM", 2, k062_com),
                          fixed("SAB", 2),
                          fixed("ACS", 7),
                          fixed("BVR", 2, k062_rate),
                          fixed("GVR", 2, k062_rate),
                          fixed("RAN", 2),
                          fixed("TAR", 2),
                          fixed("TAN", 2, k062_angle),
                          fixed("GSP", 2, k062_gsp),
                          fixed("VUN", 1),
                          fixed("MET", 8),
                          fixed("EMC", 1),
                          fixed("POS", 6),
                          fixed("GAL", 2),
                          fixed("PUN", 1),
                          repeated("MB", 8, kModeS),
                          fixed("IAR", 2, k062_knots),
                          fixed("MAC", 2),
                          fixed("BPS", 2)};
constexpr F k062_040[] = {number("VALUE", 16)};
constexpr F k062_080[] = {flag("MON"),
                          flag("SPI"),
                          flag("MRH"),
                          number("SRC", 3),
                          flag("CNF"),
                          kMore,
                          flag("SIM"),
                          flag("TSE"),
                          flag("TSB"),
                          flag("FPC"),
                          flag("AFF"),
                          flag("STP"),
                          flag("KOS"),
                          kMore,
                          flag("AMA"),
                          number("MD4", 2),
                          flag("ME"),
                          flag("MI"),
                          number("MD5", 2),
                          kMore,
                          flag("CST"),
                          flag("PSR"),
                          flag("SSR"),
                          flag("MDS"),
                          flag("ADS"),
                          flag("SUC"),
                          flag("AAC"),
                          kMore,
                          number("SDS", 2),
                          number("EMS", 3),
                          flag("PFT"),
                          flag("FPLT"),
                          kMore};
constexpr F kAge[] = {number("VALUE", 8, 0.25)};
constexpr F kLongAge[] = {number("VALUE", 16, 0.25)};
constexpr I k062_290[] = {fixed("TRK", 1, kAge), fixed("PSR", 1, kAge),     fixed("SSR", 1, kAge),
                          fixed("MDS", 1, kAge), fixed("ADS", 2, kLongAge), fixed("ES", 1, kAge),
                          fixed("VDL", 1, kAge), fixed("UAT", 1, kAge),     fixed("LOP", 1, kAge),
                          fixed("MLT", 1, kAge)};
constexpr I k062_295[] = {
    fixed("MFL", 1, kAge), fixed("MD1", 1, kAge), fixed("MD2", 1, kAge), fixed("MDA", 1, kAge),
    fixed("MD4", 1, kAge), fixed("MD5", 1, kAge), fixed("MHG", 1, kAge), fixed("IAS", 1, kAge),
    fixed("TAS", 1, kAge), fixed("SAL", 1, kAge), fixed("FSS", 1, kAge), fixed("TID", 1, kAge),
    fixed("COM", 1, kAge), fixed("SAB", 1, kAge), fixed("ACS", 1, kAge), fixed("BVR", 1, kAge),
    fixed("GVR", 1, kAge), fixed("RAN", 1, kAge), fixed("TAR", 1, kAge), fixed("TAN", 1, kAge),
    fixed("GSP", 1, kAge), fixed("VUN", 1, kAge), fixed("MET", 1, kAge), fixed("EMC", 1, kAge),
    fixed("POS", 1, kAge), fixed("GAL", 1, kAge), fixed("PUN", 1, kAge), fixed("MB", 1, kAge),
    fixed("IAR", 1, kAge), fixed("MAC", 1, kAge), fixed("BPS", 1, kAge)};
constexpr F k062_200[] = {number("TRANS", 2), number("LONG", 2), number("VERT", 2), flag("ADF"),
                          gap(1)};
constexpr F k062_136[] = {integer("VALUE", 16, kLevel)};
constexpr F k062_130[] = {integer("VALUE", 16, 6.25 * kFoot)};
constexpr F k062_135[] = {flag("QNH"), integer("CTB", 15, kLevel)};
constexpr F k062_220[] = {integer("VALUE", 16, 6.25 * kFoot / 60.0)};
constexpr I k062_390[] = {fixed("TAG", 2), fixed("CSN", 7), fixed("IFI", 4), fixed("FCT", 1),
                          fixed("TAC", 4), fixed("WTC", 1), fixed("DEP", 4), fixed("DST", 4),
                          fixed("RDS", 3), fixed("CFL", 2), fixed("CTL", 2), repeated("TOD", 4),
                          fixed("AST", 6), fixed("STS", 1), fixed("STD", 7), fixed("STA", 7),
                          fixed("PEM", 2), fixed("PEC", 7)};
constexpr I k062_110[] = {fixed("SUM", 1), fixed("PMN", 4), fixed("POS", 6), fixed("GA", 2),
                          fixed("EM1", 2), fixed("TOS", 1), fixed("XP", 1)};
constexpr F k062_120[] = {gap(4), number("MODE2", 12)};
constexpr F k062_apc[] = {number("X", 16, 0.5), number("Y", 16, 0.5)};
constexpr F k062_cov[] = {integer("VALUE", 16, 0.5)};
constexpr F k062_apw[] = {number("LAT", 16, kWgs25), number("LON", 16, kWgs25)};
constexpr F k062_atv[] = {number("X", 8, 0.25), number("Y", 8, 0.25)};
constexpr F k062_aga[] = {number("VALUE", 8, 6.25 * kFoot)};
constexpr F k062_aba[] = {number("VALUE", 8, kLevel)};
constexpr F k062_arc[] = {number("VALUE", 8, 6.25 * kFoot / 60.0)};
constexpr I k062_500[] = {fixed("APC", 4, k062_apc), fixed("COV", 2, k062_cov),
                          fixed("APW", 4, k062_apw), fixed("AGA", 1, k062_aga),
                          fixed("ABA", 1, k062_aba), fixed("ATV", 2, k062_atv),
                          fixed("AA", 2, k062_atv),  fixed("ARC", 1, k062_arc)};
constexpr F k062_height[] = {integer("VALUE", 16, 25.0 * kFoot)};
constexpr F k062_mdc[] = {flag("V"), flag("G"), integer("LMC", 14, kLevel)};
constexpr F k062_typ[] = {number("TYP", 3), flag("SIM"), flag("RAB"), flag("TST"), gap(2)};
constexpr I k062_340[] = {fixed("SID", 2, kSource),     fixed("POS", 4, kPolar),
                          fixed("HEI", 2, k062_height), fixed("MDC", 2, k062_mdc),
                          fixed("MDA", 2, kMode3A),     fixed("TYP", 1, k062_typ)};
constexpr I k062[] = {fixed("010", 2, kSource),
                      kNone,
                      fixed("015", 1, kOctet),
                      fixed("070", 3, kTimeOfDay),
                      fixed("105", 8, k062_105),
                      fixed("100", 6, k062_100),
                      fixed("185", 4, k062_185),
                      fixed("210", 2, k062_210),
                      fixed("060", 2, k062_060),
                      fixed("245", 7, kCallsign),
                      compound("380", k062_380),
                      fixed("040", 2, k062_040),
                      extended("080", k062_080),
                      compound("290", k062_290),
                      fixed("200", 1, k062_200),
                      compound("295", k062_295),
                      fixed("136", 2, k062_136),
                      fixed("130", 2, k062_130),
                      fixed("135", 2, k062_135),
                      fixed("220", 2, k062_220),
                      compound("390", k062_390),
                      extended("270", kSize),
                      fixed("300", 1, kVehicleFleet),
                      compound("110", k062_110),
                      fixed("120", 2, k062_120),
                      extended("510", {}, 3),
                      compound("500", k062_500),
                      compound("340", k062_340),
                      kNone,
                      kNone,
                      kNone,
                      kNone,
                      kNone,
                      counted("RE"),
                      counted("SP")};

// Category 065, edition 1.5.
constexpr F k065_040[] = {number("NOGO", 2), flag("OVL"),  flag("TSV"),
                          number("PSS", 2),  flag("STTN"), gap(1)};
constexpr I k065[] = {fixed("010", 2, kSource),
                      fixed("000", 1, kOctet),
                      fixed("015", 1, kOctet),
                      fixed("030", 3, kTimeOfDay),
                      fixed("020", 1, kOctet),
                      fixed("040", 1, k065_040),
                      fixed("050", 1, kOctet),
                      kNone,
                      kNone,
                      kNone,
                      kNone,
                      kNone,
                      counted("RE"),
                      counted("SP")};

constexpr AsterixCategory kCategories[] = {
    {10, k010}, {34, k034}, {48, k048}, {62, k062}, {65, k065}};

constexpr bool fit() {
  for (const AsterixCategory& category : kCategories) {
    if (category.items.size() > kAsterixItems) {
      return false;
    }
    for (const AsterixItem& item : category.items) {
      std::size_t bits = 0;
      for (const AsterixField& field : item.fields) {
        bits += field.bits;
      }
      const bool whole =
          item.shape == S::extended ? bits % 8 == 0 : bits == std::size_t{item.bytes} * 8;
      if (!item.fields.empty() && !whole) {
        return false;
      }
    }
  }
  return true;
}
static_assert(fit(), "the fields of an item fill it");

}  // namespace

const AsterixCategory* asterix_category(std::uint8_t number) {
  for (const AsterixCategory& category : kCategories) {
    if (category.number == number) {
      return &category;
    }
  }
  return nullptr;
}

}  // namespace vedette::codec
