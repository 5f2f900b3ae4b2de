#include "commands/commands.hpp"
#include "engine.hpp"
#include "event_loop.hpp"
#include "exit_code.hpp"
#include "image_report.hpp"
#include "json_text.hpp"
#include "terminal.hpp"
#include "text.hpp"

#include <slipway/engine/images.hpp>

#include <boost/asio/this_coro.hpp>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>

namespace slipway::cli {
namespace {

// --- list ---------------------------------------------------------------------------------------

constexpr const char* base_help = "The Debian image to start from (default: the variable "
                                  "SLIPWAY_BASE_IMAGE, else what the Dockerfile says)";

struct ListOptions {
    bool json = false;
    std::string dockerfile;
    std::string base;
};

struct Row {
    std::string target;
    std::string image;
    std::optional<engine::ImageSummary> built;
};

// Called before the event loop begins: opening a named pipe waits for its writer, and a signal must
// be able to end that.
Result<core::ImageCatalog> catalog_of(const std::string& dockerfile)
{
    if (dockerfile.empty()) return core::ImageCatalog::built_in();
    return core::ImageCatalog::load(dockerfile);
}

std::string date_text(std::int64_t unix_seconds)
{
    const std::chrono::sys_seconds when{std::chrono::seconds(unix_seconds)};
    return fmt::format(
        "{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(when))
    );
}

std::string table(const std::vector<Row>& rows, const Style& style)
{
    std::size_t target_width = 6;
    std::size_t image_width = 5;
    for (const Row& row : rows) {
        target_width = std::max(target_width, row.target.size());
        image_width = std::max(image_width, row.image.size());
    }
    const std::string head = fmt::format(
        "{:<{}}  {:<{}}  {:>8}  {}", "TARGET", target_width, "IMAGE", image_width, "SIZE", "CREATED"
    );
    std::string text = style.bold(head) + "\n";
    for (const Row& row : rows) {
        text += fmt::format("{:<{}}  {:<{}}  ", row.target, target_width, row.image, image_width);
        if (row.built) {
            const auto bytes =
                static_cast<std::uint64_t>(std::max<std::int64_t>(0, row.built->size));
            text += fmt::format("{:>8}  {}", size_text(bytes), date_text(row.built->created));
        } else {
            text += fmt::format("{:>8}  {}", "-", "not built");
        }
        text += "\n";
    }
    return text;
}

// An array of {target, image, built, id, size_bytes, created}; the last three are null for an image
// that is not built.
std::string rows_json(const std::vector<Row>& rows)
{
    JsonText json;
    json.begin_array();
    for (const Row& row : rows) {
        json.begin_object();
        json.text("target", row.target);
        json.text("image", row.image);
        json.boolean("built", row.built.has_value());
        if (row.built) {
            json.text("id", row.built->id);
            json.number("size_bytes", row.built->size);
            json.text("created", date_text(row.built->created));
        } else {
            for (const std::string_view name : {"id", "size_bytes", "created"}) {
                json.key(name).null();
            }
        }
        json.end_object();
    }
    json.end_array();
    return json.take();
}

Task<int>
list_images(Context& context, ListOptions options, Result<core::ImageCatalog> catalog_or_error)
{
    CO_TRY(const core::ImageCatalog catalog, std::move(catalog_or_error));
    CO_TRY(engine::Client client, co_await connect(context));
    const engine::ListImages all;
    CO_TRY(
        const std::vector<engine::ImageSummary> images,
        co_await engine::Images(client.transport()).list(all)
    );
    const std::string base = base_image(catalog, options.base);
    std::vector<Row> rows;
    for (const std::string& target : catalog.targets()) {
        Row row;
        row.target = target;
        row.image = catalog.image_name(target, base);
        const auto found = std::find_if(images.begin(), images.end(), [&](const auto& image) {
            return engine::has_tag(image, row.image);
        });
        if (found != images.end()) row.built = *found;
        rows.push_back(std::move(row));
    }
    const Style style = context.printer->out_style();
    context.printer->data(options.json ? rows_json(rows) : table(rows, style));
    co_return exit_code::success;
}

void add_list(CLI::App& images, Context& context)
{
    auto options = std::make_shared<ListOptions>();
    CLI::App* command = images.add_subcommand("list", "List the targets and their images");
    command->alias("ls");
    command->add_flag("--json", options->json, "Write JSON to stdout");
    command
        ->add_option(
            "--dockerfile",
            options->dockerfile,
            "Show the targets of this Dockerfile, not the built-in ones"
        )
        ->type_name("FILE");
    command->add_option("--base", options->base, base_help)->type_name("IMAGE");
    command->callback([&context, options] {
        context.command = [options](Context& c) {
            return run(c, list_images(c, *options, catalog_of(options->dockerfile)));
        };
    });
}

// --- build --------------------------------------------------------------------------------------

struct BuildOptions {
    std::vector<std::string> targets;
    std::string base;
    std::string dockerfile;
    bool no_cache = false;
};

Task<int>
build_images(Context& context, BuildOptions options, Result<core::ImageCatalog> catalog_or_error)
{
    CO_TRY(const core::ImageCatalog catalog, std::move(catalog_or_error));
    core::BuildChoice choice;
    choice.base = base_image(catalog, options.base);
    choice.no_cache = options.no_cache;
    choice.how_to_choose_base = "name one that it has with --base IMAGE, or in SLIPWAY_BASE_IMAGE, "
                                "which `run` and `cargo` read too";
    for (const std::string& target : options.targets) { // before anything is built
        choice.target = target;
        CO_CHECK(check_target(catalog, choice));
    }
    CO_TRY(engine::Client client, co_await connect(context));
    choice.environment = context.environment;
    choice.proxies = proxies_for(context);
    for (const std::string& target : options.targets) {
        choice.target = target;
        const BuildWhen when = options.no_cache ? BuildWhen::always : BuildWhen::missing;
        CO_TRY(
            const std::string name, co_await build_and_show(context, client, catalog, choice, when)
        );
        context.printer->status("Ready", target);
        context.printer->data(name + "\n");
    }
    co_return exit_code::success;
}

void add_image_build(CLI::App& images, Context& context)
{
    auto options = std::make_shared<BuildOptions>();
    CLI::App* command =
        images.add_subcommand("build", "Build the images of targets, and print their names");
    command
        ->add_option(
            "target", options->targets, "Target triples, such as aarch64-unknown-linux-gnu"
        )
        ->type_name("TARGET")
        ->required();
    command->add_option("--base", options->base, base_help)->type_name("IMAGE");
    command->add_flag(
        "--no-cache",
        options->no_cache,
        "Run every step, also those that the engine has done before"
    );
    command
        ->add_option(
            "--dockerfile",
            options->dockerfile,
            "Build the stages of this Dockerfile instead of the built-in ones"
        )
        ->type_name("FILE");
    command->footer([] {
        std::string text = "The targets:\n";
        for (const std::string& target : core::ImageCatalog::built_in().targets()) {
            text += "  " + target + "\n";
        }
        return text
               + "\nAn image that is there already is not built again: its name changes with the "
                 "Dockerfile and the base. `run` and `cargo` build the image that they need by "
                 "themselves, from the base in SLIPWAY_BASE_IMAGE: for them, name it there and not "
                 "with --base.";
    });
    command->callback([&context, options] {
        context.command = [options](Context& c) {
            return run(c, build_images(c, *options, catalog_of(options->dockerfile)));
        };
    });
}

// --- import -------------------------------------------------------------------------------------

constexpr const char* what_it_takes =
    "the archive must be a tar of a root file system, plain or compressed";

struct ImportOptions {
    std::string file;
    std::string name;
};

/// A file that is closed at the end.
class OpenFile {
public:
    explicit OpenFile(const std::string& path)
        : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC))
    {
    }
    ~OpenFile()
    {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    int descriptor() const noexcept { return descriptor_; }

private:
    int descriptor_;
};

/// Passes an archive on and shows how much of it has been sent.
class ShownSource final : public engine::ByteSource {
public:
    ShownSource(
        std::unique_ptr<OpenFile> file,
        int descriptor,
        Printer& printer,
        boost::asio::any_io_executor executor
    )
        : file_(std::move(file)), in_(executor, descriptor), printer_(&printer)
    {
    }
    Task<std::size_t> read(std::span<char> into) override
    {
        CO_TRY(const std::size_t got, co_await in_.read(into));
        if (got == 0 && sent_ == 0) {
            Error error(Errc::invalid_argument, "the archive is empty");
            error.hint = what_it_takes;
            co_return fail(std::move(error));
        }
        sent_ += got;
        printer_->progress(
            got == 0 ? "Waiting for the engine to store the image"
                     : "Importing: " + size_text(sent_) + " sent"
        );
        co_return got;
    }

private:
    std::unique_ptr<OpenFile> file_;
    LocalInput in_;
    Printer* printer_;
    std::uint64_t sent_ = 0;
};

Result<std::unique_ptr<OpenFile>> open_archive(const std::string& path)
{
    auto file = std::make_unique<OpenFile>(path);
    struct stat facts {};
    int failure = file->descriptor() < 0 ? errno : 0;
    if (failure == 0 && ::fstat(file->descriptor(), &facts) != 0) failure = errno;
    if (failure == 0 && S_ISDIR(facts.st_mode)) failure = EISDIR;
    if (failure == 0) return file;
    const std::error_code cause(failure, std::generic_category());
    Error error(Errc::invalid_argument, "opening " + path + ": " + cause.message());
    error.cause = cause;
    return fail(std::move(error));
}

/// A refusal can come before the stream or in it: engines differ.
Task<std::string> send_archive(
    engine::Images images, std::shared_ptr<engine::ByteSource> source, engine::ImportImage import
)
{
    CO_TRY(engine::ProgressStream stream, co_await images.import(source, import));
    co_return co_await stream.result();
}

/// What is imported, and as what.
struct Import {
    engine::Reference name;
    std::unique_ptr<OpenFile> file; ///< none: stdin
};

// Called before the event loop begins, as catalog_of.
Result<Import> import_of(const ImportOptions& options)
{
    Import import;
    TRY(import.name, engine::parse_reference(options.name));
    if (!import.name.digest.empty()) {
        return fail(Errc::invalid_argument, "an imported image takes a name and a tag, no digest");
    }
    if (import.name.tag.empty()) import.name.tag = "latest";
    if (options.file != "-") {
        TRY(import.file, open_archive(options.file));
    } else if (::isatty(STDIN_FILENO) == 1) {
        Error error(Errc::invalid_argument, "stdin is a terminal, not an archive");
        error.hint = "pipe a tar of a root file system in, or name its file";
        return fail(std::move(error));
    }
    return import;
}

Task<int> import_image(Context& context, Result<Import> import_or_error)
{
    CO_TRY(Import asked, std::move(import_or_error));
    const engine::Reference& name = asked.name;
    const int descriptor = asked.file ? asked.file->descriptor() : STDIN_FILENO;
    CO_TRY(engine::Client client, co_await connect(context));
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto source = std::make_shared<ShownSource>(
        std::move(asked.file), descriptor, *context.printer, executor
    );
    engine::ImportImage import;
    import.repository = name.name;
    import.tag = name.tag;
    engine::Images images(client.transport());
    auto id = co_await send_archive(images, source, import);
    if (!id) {
        if (id.error().code == Errc::engine && id.error().hint.empty()) {
            id.error().hint = what_it_takes;
        }
        co_return fail(std::move(id).error());
    }
    CO_CHECK(co_await images.tag(*id, name.name, name.tag)); // podman 4 ignores the import's tag
    context.printer->end_progress();
    context.printer->data(name.name + ":" + name.tag + "\n");
    co_return exit_code::success;
}

void add_import(CLI::App& images, Context& context)
{
    auto options = std::make_shared<ImportOptions>();
    CLI::App* command =
        images.add_subcommand("import", "Make an image of a tar of a root file system");
    command->add_option("file", options->file, "A tar, plain or compressed; - is stdin")
        ->type_name("FILE")
        ->required();
    command->add_option("name", options->name, "The image's name, such as debian:bookworm-slim")
        ->type_name("NAME[:TAG]")
        ->required();
    command->callback([&context, options] {
        context.command = [options](Context& c) {
            return run(c, import_image(c, import_of(*options)));
        };
    });
}

} // namespace

void add_images(CLI::App& app, Context& context)
{
    CLI::App* images = app.add_subcommand("images", "List, build and import images");
    images->require_subcommand(0, 1);
    add_list(*images, context);
    add_image_build(*images, context);
    add_import(*images, context);
    images->footer("`slipway images COMMAND --help` tells more about a command.");
}

} // namespace slipway::cli
