#pragma once

#include <string>
#include <string_view>
#include <vector>

/// What both sides do with files; what fails says why in errno.
namespace slipway::sync {

/// The names in an open directory, sorted by their bytes, without "." and "..".
bool names_in(int directory, std::vector<std::string>& names);

bool write_all(int file, std::string_view bytes);
/// As many bytes as the file has when this begins; fewer are a failure.
bool read_all(int file, std::string& bytes);

} // namespace slipway::sync
