#include "agent/entry_sink.hpp"
#include "agent/glob.hpp"
#include "agent/items.hpp"
#include "agent/kept_tree.hpp"
#include "agent/session.hpp"
#include "agent/worker_job.hpp"
#include "agent/zstd_stream.hpp"
#include "archive/posix.hpp"

#include <optional>
#include <utility>

namespace slipway::core {

namespace {

Result<> set_items(agent::Run& run, std::vector<TreeItem> items)
{
    for (const TreeItem& item : items) {
        agent::TreeItem& added = run.tree.items.emplace_back(agent_item(item));
        std::vector<agent::ItemPart> parts;
        CHECK_OK(refused_item(item, agent::parse_item(added, parts)));
    }
    return ok();
}

// `run` gets what `from` gives, compressed when it says so.
Task<> run_reader(std::shared_ptr<AgentLink> link, agent::Run run, engine::ByteSource& from)
{
    std::optional<CompressedSource> compressed;
    JobIo io;
    io.in = &from;
    if (run.tree.encoding == static_cast<std::uint8_t>(agent::Encoding::zstd)) {
        io.in = &compressed.emplace(from);
    }
    co_return co_await run_worker(link, std::move(run), std::move(io));
}

// `to` gets what `run` writes.
Task<> run_writer(std::shared_ptr<AgentLink> link, agent::Run run, engine::ByteSink& to)
{
    std::optional<DecompressingSink> plain;
    JobIo io;
    io.out = &to;
    if (run.tree.encoding == static_cast<std::uint8_t>(agent::Encoding::zstd)) {
        io.out = &plain.emplace(to);
    }
    CO_CHECK(co_await run_worker(link, std::move(run), std::move(io)));
    co_return plain ? plain->finish() : ok();
}

Task<> put_something(std::shared_ptr<AgentLink> link, agent::Run run, engine::ByteSource& from)
{
    const bool is_file = run.what == static_cast<std::uint8_t>(agent::What::write_file);
    const std::string doing =
        (is_file ? "putting the file " : "putting files into ") + run.argv.front();
    Result<> done = is_file ? check_file_path(run.argv.front()) : ok();
    if (done) done = co_await run_reader(link, std::move(run), from);
    co_return during(std::move(done), doing + (is_file ? " into the sandbox" : " of the sandbox"));
}

Task<> get_something(
    std::shared_ptr<AgentLink> link,
    agent::Run run,
    std::vector<TreeItem> items,
    engine::ByteSink& to
)
{
    const bool is_file = run.what == static_cast<std::uint8_t>(agent::What::read_file);
    const std::string doing = (is_file ? "getting the file " : "getting files from ")
                              + run.argv.front() + " of the sandbox";
    Result<> done = is_file ? check_file_path(run.argv.front()) : set_items(run, std::move(items));
    if (done) done = co_await run_writer(link, std::move(run), to);
    co_return during(std::move(done), doing);
}

Task<> list_entries(
    std::shared_ptr<AgentLink> link, agent::Run run, std::vector<TreeItem> items, TreeEntries each
)
{
    const std::string doing = "listing files in " + run.argv.front() + " of the sandbox";
    EntrySink entries(std::move(each));
    auto done = set_items(run, std::move(items));
    if (done) done = co_await run_writer(link, std::move(run), entries);
    if (done) done = entries.finish();
    co_return during(std::move(done), doing);
}

agent::DigestKind kind_of(Digest digest)
{
    switch (digest) {
    case Digest::xxh3_128:
        return agent::DigestKind::xxh3;
    case Digest::sha256:
        return agent::DigestKind::sha256;
    case Digest::none:
        break;
    }
    return agent::DigestKind::none;
}

} // namespace

Task<> AgentSession::put(
    std::string directory, engine::ByteSource& tar, AgentIds ids, agent::Encoding encoding
)
{
    agent::Run run = tree_run(agent::What::unpack, std::move(directory), ids, encoding);
    return put_something(link_, std::move(run), tar);
}

Task<> AgentSession::get(
    std::string directory,
    std::vector<TreeItem> items,
    engine::ByteSink& tar,
    AgentIds ids,
    agent::Encoding encoding
)
{
    agent::Run run = tree_run(agent::What::pack, std::move(directory), ids, encoding);
    return get_something(link_, std::move(run), std::move(items), tar);
}

Task<> AgentSession::put_file(
    std::string path,
    FileAttributes attributes,
    engine::ByteSource& bytes,
    AgentIds ids,
    agent::Encoding encoding
)
{
    agent::Run run = tree_run(agent::What::write_file, std::move(path), ids, encoding);
    run.tree.mode = static_cast<std::uint16_t>(attributes.mode & posix::mode_bits);
    run.tree.has_mtime = attributes.mtime_ns.has_value();
    run.tree.mtime_ns = attributes.mtime_ns.value_or(0);
    return put_something(link_, std::move(run), bytes);
}

Task<> AgentSession::get_file(
    std::string path, engine::ByteSink& bytes, AgentIds ids, agent::Encoding encoding
)
{
    agent::Run run = tree_run(agent::What::read_file, std::move(path), ids, encoding);
    std::vector<TreeItem> none;
    return get_something(link_, std::move(run), std::move(none), bytes);
}

Task<> AgentSession::manifest(
    std::string directory,
    std::vector<TreeItem> items,
    Digest digest,
    TreeEntries each,
    AgentIds ids,
    agent::Encoding encoding
)
{
    agent::Run run = tree_run(agent::What::manifest, std::move(directory), ids, encoding);
    run.tree.digest = static_cast<std::uint8_t>(kind_of(digest));
    return list_entries(link_, std::move(run), std::move(items), std::move(each));
}

Task<std::unique_ptr<KeptTree>>
AgentSession::keep(std::string directory, AgentIds ids, std::function<bool()> on_wait)
{
    const std::string doing = "taking the directory " + directory + " of the sandbox";
    auto tree = co_await KeptTree::open(link_, std::move(directory), ids, std::move(on_wait));
    co_return during(std::move(tree), doing);
}

} // namespace slipway::core
