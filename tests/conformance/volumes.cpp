#include "conformance/lab.hpp"

using namespace slipway;
using namespace slipway::test;

TEST_SUITE("Volumes, networks")
{
    TEST_CASE("a volume from its creation to its removal")
    {
        Lab lab;
        engine::VolumeSpec spec;
        spec.name = unique_name("volume");
        spec.labels["slipway.test"] = spec.name;
        CHECK(lab.must(lab.volumes.create(spec)).name == spec.name);
        CHECK(lab.must(lab.volumes.create(spec)).name == spec.name);
        CHECK(lab.must(lab.volumes.inspect(spec.name)).labels.at("slipway.test") == spec.name);
        engine::Filters ours;
        ours["label"] = {"slipway.test=" + spec.name};
        CHECK(lab.must(lab.volumes.list(ours)).size() == 1);

        auto user = lab.spec({"sleep", "600"});
        engine::Mount mount;
        mount.type = "volume";
        mount.source = spec.name;
        mount.target = "/data";
        user.host.mounts.push_back(mount);
        const auto id = lab.create(user);
        CHECK(lab.must(lab.containers.start(id)) == engine::Change::done);
        CHECK(lab.refused(lab.volumes.remove(spec.name)).code == Errc::conflict);
        lab.remove(id);

        lab.must(lab.volumes.remove(spec.name));
        CHECK(lab.refused(lab.volumes.inspect(spec.name)).code == Errc::not_found);
        CHECK(lab.must(lab.volumes.list(ours)).empty());
        CHECK(lab.ours().empty());
    }

    TEST_CASE("prune of volumes takes what has the label and is not used, with a name or without")
    {
        Lab lab;
        engine::VolumeSpec spec;
        spec.labels = lab.labels();
        spec.name = unique_name("free");
        lab.must(lab.volumes.create(spec));
        const auto free = spec.name;
        spec.name = unique_name("used");
        lab.must(lab.volumes.create(spec));
        auto user = lab.spec({"true"});
        engine::Mount mount;
        mount.type = "volume";
        mount.source = spec.name;
        mount.target = "/data";
        user.host.mounts.push_back(mount);
        const auto id = lab.create(user);
        const auto pruned = lab.must(lab.volumes.prune(lab.only_ours()));
        CHECK(pruned.removed == std::vector<std::string>{free});
        lab.remove(id);
        CHECK(lab.must(lab.volumes.prune(lab.only_ours())).removed.size() == 1);
        CHECK(lab.must(lab.volumes.list(lab.only_ours())).empty());
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a volume without a name, by driver, and removed though it is not there")
    {
        Lab lab;
        engine::VolumeSpec spec;
        spec.labels = lab.labels();
        const auto made = lab.must(lab.volumes.create(spec));
        CHECK(made.name.size() == 64);
        CHECK(made.driver == "local");
        for (const auto& [key, value] : lab.labels()) { // an engine may add its own
            CHECK(made.labels.at(key) == value);
        }
        CHECK(!made.mountpoint.empty());
        auto filters = lab.only_ours();
        filters["driver"] = {"local"};
        CHECK(lab.must(lab.volumes.list(filters)).size() == 1);
        spec.driver = "slipway-no-such-driver";
        CHECK(!run(lab.io, lab.volumes.create(spec)));
        lab.must(lab.volumes.remove(made.name));
        CHECK(lab.refused(lab.volumes.remove(made.name)).code == Errc::not_found);
    }

    TEST_CASE("every filter holds for what is listed and for what prune takes")
    {
        Lab lab;
        const auto label = lab.only_ours().at("label").front();
        // All volumes stay that others have on this engine, whatever of this test fits them.
        const auto mark = unique_name("mark");
        const auto make = [&](const std::string& name, bool is_ours, bool is_marked) {
            engine::VolumeSpec spec;
            spec.name = unique_name(name);
            if (is_ours) spec.labels = lab.labels();
            if (is_marked) spec.labels[mark] = "1";
            lab.must(lab.volumes.create(spec));
            return spec.name;
        };
        const auto both = make("both", true, true);
        const auto ours = make("ours", true, false);
        const auto marked = make("marked", false, true);
        const auto neither = make("neither", false, false);
        const auto names = [&](const engine::Filters& filters) {
            std::vector<std::string> found;
            for (const auto& volume : lab.must(lab.volumes.list(filters))) {
                found.push_back(volume.name);
            }
            return found;
        };
        const engine::Filters two_labels{{"label", {label, mark + "=1"}}};
        const engine::Filters label_and_name{{"label", {label}}, {"name", {both, marked}}};
        const engine::Filters three{
            {"dangling", {"true"}}, {"driver", {"local"}}, {"label", {label, mark}}};
        for (const auto& filters : {two_labels, label_and_name, three}) {
            CHECK(names(filters) == std::vector<std::string>{both});
        }
        const auto pruned = lab.must(lab.volumes.prune(two_labels));
        CHECK(pruned.removed == std::vector<std::string>{both});
        CHECK(names(lab.only_ours()) == std::vector<std::string>{ours});
        CHECK(lab.must(lab.volumes.prune(lab.only_ours())).removed.size() == 1);
        lab.must(lab.volumes.remove(marked));
        lab.must(lab.volumes.remove(neither));
    }

    TEST_CASE("what one container puts into a volume, another finds")
    {
        Lab lab;
        engine::VolumeSpec spec;
        spec.name = unique_name("shared");
        spec.labels = lab.labels();
        lab.must(lab.volumes.create(spec));
        engine::Mount mount;
        mount.type = "volume";
        mount.source = spec.name;
        mount.target = "/data";
        auto writer = lab.spec({"sh", "-c", "echo kept > /data/file"});
        writer.host.mounts = {mount};
        const auto one = lab.create(writer);
        CHECK(lab.must(lab.containers.start(one)) == engine::Change::done);
        CHECK(lab.exit_code(one) == 0);
        lab.remove(one);
        mount.read_only = true;
        auto reader = lab.spec({"sh", "-c", "cat /data/file; touch /data/x || echo read-only"});
        reader.host.mounts = {mount};
        const auto two = lab.create(reader);
        CHECK(lab.must(lab.containers.start(two)) == engine::Change::done);
        CHECK(lab.exit_code(two) == 0);
        CHECK(lab.logs(two).out == "kept\nread-only\n");
        lab.remove(two);
        lab.must(lab.volumes.remove(spec.name));
    }
}
