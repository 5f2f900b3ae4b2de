#include "discovery/default_sockets.hpp"

#include "discovery/text.hpp"

#include <algorithm>

namespace slipway::engine::discovery {
namespace {

namespace fs = std::filesystem;

#ifdef __APPLE__
constexpr bool macos = true;
#else
constexpr bool macos = false;
#endif

constexpr const char* start_desktop = "start Docker Desktop";
constexpr const char* start_docker =
    macos ? start_desktop : "start it with `sudo systemctl start docker`";
constexpr const char* start_rootless_docker =
    macos ? start_desktop : "start it with `systemctl --user start docker`";
constexpr const char* start_podman = "start it with `sudo systemctl start podman.socket`";
constexpr const char* start_rootless_podman =
    "start it with `systemctl --user start podman.socket`";
constexpr const char* start_machine = "start it with `podman machine start`";

class List {
public:
    void add(const std::string& engine, const fs::path& path, std::string start)
    {
        Candidate candidate;
        Result<Endpoint> endpoint = parse_endpoint("unix://" + path.string());
        // A path that no socket can have (too long, or with a space) is one where no engine
        // listens.
        if (!endpoint) return;
        candidate.endpoint = *std::move(endpoint);
        candidate.source = "default socket (" + engine + ")";
        candidate.start_hint = std::move(start);
        out_.push_back(std::move(candidate));
    }
    std::vector<Candidate> take() { return std::move(out_); }

private:
    std::vector<Candidate> out_;
};

std::vector<fs::path> entries(const fs::path& directory)
{
    std::vector<fs::path> out;
    std::error_code error;
    fs::directory_iterator entry(directory, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        out.push_back(entry->path());
    }
    std::sort(out.begin(), out.end());
    return out;
}

bool file_is_there(const fs::path& file)
{
    std::error_code ignored;
    return fs::exists(fs::symlink_status(file, ignored));
}

void add_machines(List& list, const fs::path& directory)
{
    if (directory.empty()) return;
    for (const fs::path& file : entries(directory)) {
        if (file.filename().string().ends_with("-api.sock")) {
            list.add("podman machine", file, start_machine);
        }
    }
}

void add_colima(List& list, const fs::path& directory)
{
    for (const fs::path& profile : entries(directory)) {
        const std::string name = profile.filename().string();
        if (name == "default" || !file_is_there(profile / "docker.sock")) continue;
        list.add(
            "colima, profile " + quote(name),
            profile / "docker.sock",
            "start it with `colima start " + shell_quote(name) + "`"
        );
    }
}

void add_lima(List& list, const fs::path& directory)
{
    const auto add = [&](const std::string& name) {
        list.add(
            "lima, instance " + quote(name),
            directory / name / "sock" / "docker.sock",
            "start it with `limactl start " + shell_quote(name) + "`"
        );
    };
    add("default");
    add("docker");
    for (const fs::path& instance : entries(directory)) {
        const std::string name = instance.filename().string();
        if (name == "default" || name == "docker") continue;
        if (file_is_there(instance / "sock" / "docker.sock")) add(name);
    }
}

} // namespace

std::vector<Candidate> default_sockets(const Environment& environment)
{
    const fs::path& home = environment.home;
    const fs::path runtime = environment.directory("XDG_RUNTIME_DIR");
    const fs::path user_run = "/run/user/" + std::to_string(environment.uid);
    List list;

    list.add("docker", "/var/run/docker.sock", start_docker);
    if (!runtime.empty()) {
        list.add("docker, rootless", runtime / "docker.sock", start_rootless_docker);
    }
    if (!macos) list.add("docker, rootless", user_run / "docker.sock", start_rootless_docker);
    if (!home.empty()) {
        list.add(
            macos ? "Docker Desktop" : "docker, rootless",
            home / ".docker/run/docker.sock",
            start_rootless_docker
        );
        list.add("Docker Desktop", home / ".docker/desktop/docker.sock", start_desktop);
    }

    if (!runtime.empty()) {
        list.add("podman, rootless", runtime / "podman/podman.sock", start_rootless_podman);
    }
    if (!macos) {
        list.add("podman, rootless", user_run / "podman/podman.sock", start_rootless_podman);
        list.add("podman", "/run/podman/podman.sock", start_podman);
    }
    fs::path data = environment.directory("XDG_DATA_HOME");
    if (data.empty() && !home.empty()) data = home / ".local/share";
    if (!data.empty()) {
        list.add("podman machine", data / "containers/podman/machine/podman.sock", start_machine);
    }
    const fs::path temporary = environment.directory("TMPDIR");
    add_machines(list, temporary.empty() ? temporary : temporary / "podman");
    add_machines(list, runtime.empty() ? runtime : runtime / "podman");

    fs::path colima = environment.directory("COLIMA_HOME");
    if (colima.empty() && !home.empty()) colima = home / ".colima";
    if (!colima.empty()) {
        const std::string start = "start it with `colima start`";
        list.add("colima", colima / "default/docker.sock", start);
        list.add("colima", colima / "docker.sock", start);
        add_colima(list, colima);
    }
    if (const fs::path config = environment.directory("XDG_CONFIG_HOME"); !config.empty()) {
        list.add("colima", config / "colima/default/docker.sock", "start it with `colima start`");
        add_colima(list, config / "colima");
    }

    if (!home.empty()) {
        list.add("Rancher Desktop", home / ".rd/docker.sock", "start Rancher Desktop");
        list.add("OrbStack", home / ".orbstack/run/docker.sock", "start OrbStack");
    }
    fs::path lima = environment.directory("LIMA_HOME");
    if (lima.empty() && !home.empty()) lima = home / ".lima";
    if (!lima.empty()) add_lima(list, lima);
    return list.take();
}

std::string identity(const Endpoint& endpoint)
{
    if (endpoint.scheme != Endpoint::Scheme::unix_socket
        || !endpoint.socket_path.starts_with('/')) {
        return to_string(endpoint);
    }
    std::error_code error;
    const fs::path real = fs::weakly_canonical(endpoint.socket_path, error);
    return error ? fs::path(endpoint.socket_path).lexically_normal().string() : real.string();
}

std::string start_hint(const Environment& environment, const Endpoint& endpoint)
{
    if (endpoint.scheme != Endpoint::Scheme::unix_socket) return {};
    const std::string wanted = identity(endpoint);
    for (const Candidate& row : default_sockets(environment)) {
        if (identity(row.endpoint) == wanted) return row.start_hint;
    }
    return {};
}

} // namespace slipway::engine::discovery
