// Purpose: keeps a data partition's two newest data folders, each named by its format of
// journal and state: the starting image's, and the previous one's for a rollback. In: the
// partition's folder, the name of the image's. Out: their order, in the file `data-folders` beside
// them. Bound: two; older ones are removed, because the partition has space for two. Runs on: cold
// threads, before the watch.
#pragma once

#include <string>
#include <vector>

namespace vedette::firmware {

struct DataFolders {
  std::vector<std::string> removed;
  std::string problem;  // empty, or why the order is not recorded; then nothing is removed
};
// `name`: 16 hexadecimal digits. Touches nothing else in the partition.
DataFolders take_data_folder(const std::string& partition, const std::string& name);

}  // namespace vedette::firmware
