#include "sessions.hpp"

#include "version.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

namespace slipway::agent {

using std::chrono::milliseconds;

/// What is done to a job may end it, and others.
template <class F>
void Sessions::each_job(F&& action)
{
    std::vector<std::uint32_t> channels;
    for (const auto& [channel, job] : jobs_) {
        channels.push_back(channel);
    }
    for (const std::uint32_t channel : channels) {
        const auto found = jobs_.find(channel);
        if (found != jobs_.end()) action(*found->second);
    }
}

void Sessions::on_child()
{
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        for (const auto& [channel, job] : jobs_) {
            if (job->supervisor() != pid) continue;
            if (WIFSTOPPED(status)) {
                ::kill(pid, SIGCONT); // it is nobody's to stop
            } else {
                job->forget_supervisor();
            }
        }
    }
}

void Sessions::on_skipped(Connection& from)
{
    if (&from == client_) broken();
}

void Sessions::relieve()
{
    if (client_ != nullptr && client_->is_relieved()) each_job([](Job& job) { job.resume(); });
}

void Sessions::on_gone(Connection& connection)
{
    forget_waiting(connection);
    if (client_ == &connection) end();
    if (client_ == &connection) client_ = nullptr;
}

void Sessions::forget_waiting(const Connection& connection)
{
    if (waiting_ && waiting_->client == &connection) waiting_.reset();
}

void Sessions::on_message(Connection& from, const Message& message)
{
    if (message.type == Type::hello) return on_hello(from, message.payload);
    // What a session said that is over already.
    if (phase_ != Phase::session || &from != client_) return;
    heard_ = Clock::now();
    on_session_message(message);
}

void Sessions::on_hello(Connection& from, std::string_view payload)
{
    const auto hello = decode<Hello>(payload);
    if (!hello) return;
    if (phase_ == Phase::session && client_ == &from) end(); // its client is another now
    if (phase_ == Phase::session && client_->has_left()) place_.end(*client_);
    from.drop();
    if (hello->lowest > protocol_version || hello->highest < protocol_version) {
        Refused refused;
        refused.nonce = hello->nonce;
        from.send(Type::refused, 0, refused);
        return;
    }
    if (phase_ == Phase::session || waiting_) {
        Busy busy;
        busy.nonce = hello->nonce;
        const auto left = std::chrono::duration_cast<milliseconds>(heard_ + lease_ - Clock::now());
        busy.left_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(left.count(), 0));
        if (waiting_) busy.left_ms = waiting_->hello.lease_ms;
        from.send(Type::busy, 0, busy);
        return;
    }
    if (phase_ == Phase::ending) {
        waiting_ = Waiting{&from, *hello};
        from.pause();
        return;
    }
    welcome(from, *hello);
}

void Sessions::welcome(Connection& client, const Hello& hello)
{
    phase_ = Phase::session;
    client_ = &client;
    lease_ = milliseconds(hello.lease_ms);
    heard_ = Clock::now();
    reset_asked_ = false;
    Welcome welcome;
    welcome.nonce = hello.nonce;
    welcome.version = protocol_version;
    welcome.jobs = jobs_so_far_;
    welcome.unclean = !place_.house->problem().empty();
    welcome.build = build_text;
    client.send(Type::welcome, 0, welcome);
}

void Sessions::on_session_message(const Message& message)
{
    if (message.channel == 0) {
        switch (message.type) {
        case Type::renew:
            // Where much waits to be sent, that it comes says as much.
            if (!client_->is_crowded()) client_->send_bytes(Type::renewed, 0, {});
            return;
        case Type::bye:
            return end();
        case Type::reset:
            reset_asked_ = true;
            client_->pause();
            return abandon_jobs(true);
        default:
            return broken();
        }
    }
    if (message.type == Type::run) return on_run(message.channel, message.payload);
    const auto found = jobs_.find(message.channel);
    if (found == jobs_.end()) return; // it has ended meanwhile
    if (!on_job_message(*found->second, message)) broken();
}

void Sessions::on_run(std::uint32_t channel, std::string_view payload)
{
    if (jobs_.contains(channel)) return broken();
    const auto run = decode<Run>(payload);
    if (!run) {
        Failed failed;
        failed.step = static_cast<std::uint8_t>(Step::message);
        failed.text = "a message that is none";
        client_->send(Type::failed, channel, failed);
        return;
    }
    std::optional<Fd> own_stream(std::in_place);
    if (run->own_stream) own_stream = client_->take_descriptor();
    if (!own_stream) return broken();
    Job::Place place;
    place.loop = place_.loop;
    place.client = client_;
    place.signals = place_.signals;
    place.changed = [this](Job& job) { on_job_changed(job); };
    place.orphaned = [this] {
        place_.house->may_have_orphans();
        kill_orphans();
    };
    auto job = std::make_unique<Job>(std::move(place), channel);
    int kept = -1;
    if (static_cast<What>(run->what) == What::keep && !run->argv.empty()) {
        kept = kept_.open(*run);
        if (kept < 0) {
            const int error = errno;
            job->fail(Step::directory, error, run->argv.front() + ": " + ::strerror(error));
            return;
        }
    }
    if (!job->start(*run, *std::move(own_stream), kept)) return;
    ++jobs_so_far_;
    jobs_.emplace(channel, std::move(job));
}

bool Sessions::on_job_message(Job& job, const Message& message)
{
    const auto with = [&]<class T>(T, auto&& action) {
        const auto fields = decode<T>(message.payload);
        if (!fields) return false;
        action(*fields);
        return true;
    };
    switch (message.type) {
    case Type::in:
        return job.on_in(message.payload);
    case Type::window: {
        const auto window = decode<Window>(message.payload);
        return window && job.on_window(*window);
    }
    case Type::resize:
        return with(Resize(), [&](const Resize& size) { job.on_resize(size); });
    case Type::signal:
        return with(Signal(), [&](const Signal& signal) { job.on_signal(signal); });
    case Type::cancel:
        return with(Cancel(), [&](const Cancel& cancel) { job.on_cancel(cancel); });
    default:
        return false;
    }
}

void Sessions::on_job_changed(Job& job)
{
    const auto found = jobs_.find(job.channel());
    if (found == jobs_.end() || found->second.get() != &job) return;
    over_.push_back(std::move(found->second));
    jobs_.erase(found);
    if (jobs_.empty() || place_.house->has_orphans()) jobs_gone();
}

void Sessions::abandon_jobs(bool with_client)
{
    if (jobs_.empty()) return jobs_gone();
    // Supervisors as well, whose ends the jobs see; where that may not be they kill by themselves.
    place_.house->kill_at_once();
    each_job([with_client](Job& job) {
        if (!with_client) job.forget_client();
        job.abandon();
    });
}

/// The session's jobs may be gone, and some of their processes may have become our children.
void Sessions::jobs_gone()
{
    if (place_.house->has_orphans()) kill_orphans();
    if (!jobs_.empty()) return;
    if (phase_ == Phase::session && reset_asked_) {
        reset_asked_ = false;
        client_->flush();
        place_.house->clean();
        ResetDone done;
        done.reason = place_.house->problem();
        done.clean = done.reason.empty();
        client_->send(Type::reset_done, 0, done);
        heard_ = Clock::now();
        client_->resume();
    } else if (phase_ == Phase::ending) {
        kept_.clear();
        place_.house->clean();
        phase_ = Phase::free;
        free_since_ = Clock::now();
        if (!waiting_) return;
        const Waiting next = *waiting_;
        waiting_.reset();
        if (next.client->has_left()) return place_.end(*next.client);
        welcome(*next.client, next.hello);
        next.client->resume();
    }
}

void Sessions::kill_orphans()
{
    std::set<pid_t> spared;
    for (const auto& [channel, job] : jobs_) {
        if (job->supervisor() > 0) spared.insert(job->supervisor());
    }
    place_.house->kill_orphans(spared);
    on_child();
}

void Sessions::end()
{
    if (phase_ != Phase::session) return;
    phase_ = Phase::ending;
    if (client_->is_shared()) client_->drop();
    client_ = nullptr;
    abandon_jobs(false);
}

void Sessions::end_when_idle()
{
    if (phase_ == Phase::session && jobs_.empty()) end();
}

void Sessions::broken()
{
    if (phase_ != Phase::session) return;
    Connection& client = *client_;
    end();
    // What it says from now on is about a session that is no more.
    if (!client.is_shared()) place_.end(client);
}

void Sessions::on_time(Clock::time_point now)
{
    if (phase_ == Phase::session && !reset_asked_ && now >= heard_ + lease_) broken();
    each_job([&](Job& job) { job.on_time(now); });
}

std::optional<Clock::time_point> Sessions::next_time() const
{
    std::optional<Clock::time_point> next;
    if (phase_ == Phase::session && !reset_asked_) next = heard_ + lease_;
    for (const auto& [channel, job] : jobs_) {
        const auto time = job->next_time();
        if (time && (!next || *time < *next)) next = time;
    }
    return next;
}

std::optional<Clock::time_point> Sessions::free_since() const
{
    if (phase_ != Phase::free) return std::nullopt;
    return free_since_;
}

} // namespace slipway::agent
