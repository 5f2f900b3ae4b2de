#include "launch.hpp"

#include "tree.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::agent {

namespace {

[[noreturn]] void give_up(int report, Step step, int error)
{
    const LaunchFailure failure{static_cast<std::uint8_t>(step), error};
    [[maybe_unused]] const ssize_t put = ::write(report, &failure, sizeof failure);
    ::_exit(127);
}

/// The job begins with what a fresh process has, whatever the agent does with signals.
void reset_signals()
{
    // By system call: the library keeps two signals to itself, which may be ignored as others.
    const std::array<unsigned long, 8> plain{};
    for (int number = 1; number < NSIG; ++number) {
        ::syscall(SYS_rt_sigaction, number, plain.data(), nullptr, std::size_t{8});
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

int set_limits(const std::vector<Limit>& limits)
{
    for (const Limit& limit : limits) {
        const rlimit both{limit.soft, limit.hard};
        if (::syscall(SYS_prlimit64, 0, static_cast<int>(limit.resource), &both, nullptr) != 0) {
            return errno;
        }
    }
    return 0;
}

// By system call: the library's functions would speak to threads of the parent.
int set_ids(const Run& run)
{
    const std::vector<gid_t> groups(run.groups.begin(), run.groups.end());
    const bool same = run.uid == ::geteuid() && run.gid == ::getegid();
    if (::syscall(SYS_setgroups, groups.size(), groups.data()) != 0) {
        // Without the right to do it, all is well when there is nothing to change.
        if (!same || !groups.empty() || ::getgroups(0, nullptr) != 0) return errno;
    }
    if (::syscall(SYS_setresgid, run.gid, run.gid, run.gid) != 0) return errno;
    if (::syscall(SYS_setresuid, run.uid, run.uid, run.uid) != 0) return errno;
    return 0;
}

// The agent may own files of others and become somebody else; a job may not, nor get that back by
// what it executes. By a process that may still do so.
void give_up_gaining()
{
    constexpr unsigned long more_than_there_are = 64;
    for (unsigned long capability = 0; capability < more_than_there_are; ++capability) {
        ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0); // refused without the right, as is gaining
    }
}

int give_up_capabilities()
{
    __user_cap_header_struct header{};
    header.version = _LINUX_CAPABILITY_VERSION_3;
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    return ::syscall(SYS_capset, &header, none.data()) == 0 ? 0 : errno;
}

bool is_pipe(int fd)
{
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

const char* path_of(const std::vector<std::string>& env)
{
    for (const std::string& entry : env) {
        if (entry.starts_with("PATH=")) return entry.c_str() + 5;
    }
    return nullptr;
}

std::vector<char*> pointers(const std::vector<std::string>& texts)
{
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
        out.push_back(const_cast<char*>(text.c_str()));
    }
    out.push_back(nullptr);
    return out;
}

/// Returns only when there is no such program, or it cannot be executed.
void execute(const Run& run, int report)
{
    const auto argv = pointers(run.argv);
    const auto env = pointers(run.env);
    const std::string& name = run.argv.front();
    const auto try_file = [&](const std::string& file) {
        ::execve(file.c_str(), argv.data(), env.data());
        const int error = errno;
        // A missing interpreter is said in the same words as a missing program.
        const bool missing = error == ENOENT || error == ENOTDIR;
        if (missing && ::access(file.c_str(), F_OK) != 0) return 0;
        return error;
    };
    if (name.find('/') != std::string::npos) {
        const int error = try_file(name);
        if (error == 0) give_up(report, Step::find, ENOENT);
        give_up(report, Step::execute, error);
    }
    int denied = 0;
    const char* path = path_of(run.env);
    if (name.empty() || path == nullptr) give_up(report, Step::find, ENOENT);
    for (std::string_view rest = path;;) {
        const std::size_t colon = rest.find(':');
        std::string file(rest.substr(0, colon));
        if (!file.empty()) file += '/';
        file += name;
        const int error = try_file(file);
        if (error != 0 && error != EACCES) give_up(report, Step::execute, error);
        if (error != 0) denied = error;
        if (colon == std::string_view::npos) break;
        rest.remove_prefix(colon + 1);
    }
    if (denied != 0) give_up(report, Step::execute, denied);
    give_up(report, Step::find, ENOENT);
}

} // namespace

void become_job(const Run& run, const JobStreams& streams, int report)
{
    reset_signals();
    ::setsid();
    if (run.terminal && ::ioctl(streams.in, TIOCSCTTY, 0) != 0) {
        give_up(report, Step::terminal, errno);
    }
    for (const auto& [from, to] : {std::pair{streams.in, 0}, {streams.out, 1}, {streams.err, 2}}) {
        // So that the job can open /dev/stdout whoever it is.
        // Not /dev/null, which stays when the job is gone.
        if (run.has_ids && (run.terminal || is_pipe(from))) {
            [[maybe_unused]] const int ignored = ::fchown(from, run.uid, run.gid);
        }
        if (::dup2(from, to) < 0) give_up(report, Step::process, errno);
    }
    if (const int error = set_limits(run.limits)) give_up(report, Step::limits, error);
    ::umask(run.umask == default_umask ? 022 : run.umask & 0777);
    if (static_cast<What>(run.what) == What::program) give_up_gaining();
    if (run.has_ids) {
        if (const int error = set_ids(run)) give_up(report, Step::ids, error);
    }
    if (::chdir(run.cwd.empty() ? "/" : run.cwd.c_str()) != 0) {
        give_up(report, Step::directory, errno);
    }
    if (static_cast<What>(run.what) == What::program) {
        if (const int error = give_up_capabilities()) give_up(report, Step::ids, error);
        execute(run, report);
    }
    ::close(report);
    ::_exit(do_tree_job(run, streams.kept));
}

} // namespace slipway::agent
