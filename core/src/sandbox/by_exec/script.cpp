#include "sandbox/by_exec/script.hpp"

#include <algorithm>
#include <charconv>
#include <map>

namespace slipway::core::by_exec {

namespace {

constexpr std::string_view mark_begin = "\001slipway ";
constexpr std::size_t longest_other = 4'096;

// A new volume is root's, with a mode that suits nobody else.
constexpr const char* first_script = R"(owner=$1; shift
for dir; do
  chmod 1777 "$dir" || exit 1
  [ "$owner" = 0:0 ] || chown "$owner" "$dir" || exit 1
done
echo 'slipway ready' && exec cat >/dev/null)";

// Kills the processes of session $1, but not itself. A process that has left its session belongs to
// the job when no other exec (a process whose parent is outside of the sandbox) is there; the
// sandbox's own are in session 1. Nothing is forked, so a full sandbox can be swept, too.
constexpr const char* sweep = R"(sweep() {
  job=$1 round=0
  while [ $round -lt 200 ]; do
    round=$((round + 1)) own= rest= others=
    for file in /proc/[0-9]*/stat; do
      line=
      { IFS= read -r line < "$file"; } 2>/dev/null
      pid=${file#/proc/}; pid=${pid%/stat}
      case $line in *') '*) ;; *) continue ;; esac
      set -- ${line##*) }
      case $pid:$1 in "$$":* | 1:* | *:Z | *:X) continue ;; esac
      if [ "$4" = "$job" ]; then own="$own $pid"
      elif [ "$2" = 0 ]; then others=1
      elif [ "$4" != 1 ]; then rest="$rest $pid"
      fi
    done
    [ -n "$others" ] || own="$own$rest"
    [ -n "$own" ] || return 0
    kill -KILL $own 2>/dev/null
  done
}
)";

constexpr const char* take_variables =
    R"(while IFS= read -r slipway_line && [ "$slipway_line" ]; do export "$slipway_line"; done
)";

// The shell stays as the leader of the session: it knows when the job has ended, also where a
// process that the job left holds its output open. Signals for the group are the job's affair. The
// program is looked for as execvp does it, because a shell's own words and functions are no
// programs, and its message about a missing one would be output of the job.
constexpr const char* job_script = R"(say() { printf '\001slipway %s\n' "$*"; }
cd "$1" 2>/dev/null || { say directory; exit 126; }
shift
slipway_why=missing
look() {
  if [ -f "$1" ] && [ -x "$1" ]; then slipway_why=; elif [ -e "$1" ]; then slipway_why=denied; return 1; else return 1; fi
}
case $1 in
*/*) look "$1" ;;
*)
  set -f; IFS=:
  for slipway_dir in $PATH; do look "${slipway_dir:-.}/$1" && break; done
  set +f; unset IFS ;;
esac
[ -z "$slipway_why" ] || { say $slipway_why; [ $slipway_why = denied ] && exit 126; exit 127; }
trap : HUP INT QUIT TERM USR1 USR2 ALRM
say $$
exec 3>&2 2>/dev/null
(exec "$@" 2>&3 3>&-)
code=$?
trap '' HUP INT QUIT TERM USR1 USR2 ALRM
sweep $$
exit $code)";

std::vector<std::string> shell(std::string script)
{
    std::vector<std::string> command;
    for (const char* word : {"sh", "-c"}) {
        command.emplace_back(word);
    }
    command.push_back(std::move(script));
    command.emplace_back("slipway");
    return command;
}

std::optional<Mark> read_mark(std::string_view line)
{
    static const std::map<std::string_view, Mark::What> words{
        {"missing", Mark::What::not_found},
        {"denied", Mark::What::not_executable},
        {"directory", Mark::What::no_directory},
    };
    if (!line.starts_with(mark_begin)) return std::nullopt;
    line.remove_prefix(mark_begin.size());
    if (line.ends_with('\r')) line.remove_suffix(1); // a terminal's
    Mark mark;
    if (const auto word = words.find(line); word != words.end()) {
        mark.what = word->second;
        return mark;
    }
    const auto read = std::from_chars(line.data(), line.data() + line.size(), mark.pid);
    const bool good = read.ec == std::errc() && read.ptr == line.data() + line.size();
    return good && mark.pid > 1 ? std::optional(mark) : std::nullopt;
}

} // namespace

std::vector<std::string>
first_command(const std::vector<std::string>& scratch, const pool::Ids& ids)
{
    std::vector<std::string> command = shell(first_script);
    command.push_back(std::to_string(ids.uid) + ":" + std::to_string(ids.gid));
    command.insert(command.end(), scratch.begin(), scratch.end());
    return command;
}

std::vector<std::string>
job_command(const std::string& cwd, const std::vector<std::string>& argv, Input input)
{
    const std::string begin = input == Input::variables_first ? take_variables : "";
    std::vector<std::string> command = shell(begin + sweep + job_script);
    command.push_back(cwd.empty() ? "/" : cwd);
    command.insert(command.end(), argv.begin(), argv.end());
    return command;
}

std::vector<std::string> signal_command(std::int64_t pid, const std::string& signal)
{
    const std::string name = signal.starts_with("SIG") ? signal.substr(3) : signal;
    std::vector<std::string> command = shell(R"(kill "-$1" "-$2")");
    command.push_back(name);
    command.push_back(std::to_string(pid));
    return command;
}

std::vector<std::string> kill_command(std::int64_t pid)
{
    std::vector<std::string> command = shell(std::string(sweep) + R"(sweep "$1")");
    command.push_back(std::to_string(pid));
    return command;
}

std::vector<std::string> probe_command()
{
    return shell("echo alive");
}

Task<> MarkedSink::write(std::string_view data)
{
    if (mark_) co_return co_await out_->write(data);
    if (is_other_) {
        line_ += data.substr(0, longest_other - std::min(longest_other, line_.size()));
        co_return ok();
    }
    const std::size_t end = data.find('\n');
    line_ += data.substr(0, end);
    if (end == std::string_view::npos && line_.size() < longest_other) co_return ok();
    mark_ = read_mark(line_);
    if (!mark_) {
        is_other_ = true;
        co_return ok();
    }
    line_.clear();
    data.remove_prefix(end + 1);
    if (data.empty()) co_return ok();
    co_return co_await out_->write(data);
}

} // namespace slipway::core::by_exec
