#pragma once

#include <slipway/engine/auth.hpp>

#include <optional>
#include <string>
#include <vector>

namespace slipway::engine {

struct PushImage {
    std::string reference; ///< a name the image has here; ":latest" is added where there is no tag
    std::string platform;  ///< "os/arch[/variant]" of a multi-platform image: API 1.46+
    std::optional<RegistryAuth> auth{};
};

struct LoadImages {
    bool quiet = false;   ///< no messages but the results
    std::string platform; ///< "os/arch[/variant]": the only one to take; API 1.48+
};

struct SaveImages {
    std::vector<std::string> images; ///< names or ids; of names all tags are kept
    std::string platform;            ///< "os/arch[/variant]": the only one to save; API 1.48+
};

} // namespace slipway::engine
