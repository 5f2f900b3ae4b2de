#include <slipway/core/unit_identity.hpp>

#include <algorithm>
#include <string_view>

namespace slipway::core {

namespace {

// Grows when fields come, go or mean something else: all is then made anew, in other directories.
constexpr std::uint32_t identity_schema = 1;
constexpr std::uint32_t key_schema = 1;

std::string_view mode_name(UnitMode mode)
{
    return mode == UnitMode::test ? "test" : "build";
}

// Of a Record or a RecordDigest.
void add_inputs(auto& record, const UnitInputs& inputs)
{
    record.add("action", inputs.action)
        .add("command", inputs.command)
        .add("env", inputs.env)
        .add("variables", inputs.variables)
        .add("network", inputs.network)
        .add("outputs", inputs.outputs)
        .add("depfile", inputs.depfile)
        .add("files", inputs.files)
        .add("discoverable", inputs.discoverable)
        .add("dependencies", inputs.dependencies);
}

void add_identity(auto& record, const UnitIdentity& identity)
{
    std::vector<std::string> features = identity.features;
    std::ranges::sort(features);
    std::vector<std::string> dependencies;
    for (const Sha256& one : identity.dependencies) {
        dependencies.push_back(to_hex(one));
    }
    std::ranges::sort(dependencies);
    record.add("recipe", identity.recipe)
        .add("recipe_version", std::int64_t{identity.recipe_version})
        .add("package", identity.package)
        .add("package_version", identity.package_version)
        .add("source", std::string("path"))
        .add("path", identity.path)
        .add("name", identity.name)
        .add("features", features)
        .add("profile", identity.profile)
        .add("mode", std::string(mode_name(identity.mode)))
        .add("target", identity.target)
        .add("platform", identity.platform)
        .add("toolchain", identity.toolchain)
        .add("dependencies", dependencies);
}

} // namespace

Record action_record(const UnitIdentity& identity)
{
    Record record("action", identity_schema);
    add_identity(record, identity);
    return record;
}

Sha256 action_id(const UnitIdentity& identity)
{
    RecordDigest digest("action", identity_schema);
    add_identity(digest, identity);
    return digest.finish();
}

std::string variable_text(const std::string* value)
{
    return value == nullptr ? "unset" : "=" + *value;
}

Sha256 names_digest(std::vector<std::string> paths)
{
    std::ranges::sort(paths);
    Record record("names", 1);
    record.add("paths", std::move(paths));
    return record.digest();
}

Record declared_record(const UnitInputs& inputs)
{
    Record record("declared", key_schema);
    add_inputs(record, inputs);
    return record;
}

Record result_record(const UnitInputs& inputs, const Record::Table& discovered)
{
    Record record("result", key_schema);
    add_inputs(record, inputs);
    record.add("discovered", discovered);
    return record;
}

Sha256 result_key(const UnitInputs& inputs, const Record::Table& discovered)
{
    RecordDigest digest("result", key_schema);
    add_inputs(digest, inputs);
    digest.add("discovered", discovered);
    return digest.finish();
}

} // namespace slipway::core
