#include "complain.hpp"

#include <cstdio>
#include <cstring>
#include <string>

namespace slipway::agent {

TreeEnd complain(std::string_view what, std::string_view why, TreeEnd end)
{
    std::string line(what);
    line.append(": ").append(why).append("\n");
    std::fwrite(line.data(), 1, line.size(), stderr);
    return end;
}

TreeEnd complain(std::string_view what, int error, TreeEnd end)
{
    return complain(what, std::string_view(::strerror(error)), end);
}

} // namespace slipway::agent
