// Purpose: which data folders of a data partition stay, one belonging to each format of journal
// and state: that of the image which starts now and that of the one before, for the way back.
// In: the partition's folder, the name of the image's. Out: the order of the two, kept in the file
// `data-folders` beside them. Bound: two; older ones are removed, because the partition has room
// for two.
// Runs on: cold threads, before the watch.
#pragma once

#include <string>
#include <vector>

namespace vedette::firmware {

struct DataFolders {
  std::vector<std::string> removed;
  std::string problem;  // empty, or why the order is not kept; nothing is removed then
};
// `name`: 16 hexadecimal digits. Nothing else in the partition is touched.
DataFolders take_data_folder(const std::string& partition, const std::string& name);

}  // namespace vedette::firmware
