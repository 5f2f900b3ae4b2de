#include "cache/aws_signature.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::core;
using cache::AwsKeys;
using cache::AwsRequest;

namespace {

constexpr std::chrono::seconds midnight{1369353600}; // 2013-05-24T00:00:00Z
const std::chrono::system_clock::time_point may_24{midnight};

AwsKeys example_keys()
{
    AwsKeys keys;
    keys.access_key = "AKIAIOSFODNN7EXAMPLE";
    keys.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    keys.region = "us-east-1";
    return keys;
}

std::string field(const AwsRequest::Fields& fields, std::string_view name)
{
    for (const auto& [key, value] : fields) {
        if (key == name) return value;
    }
    return "none";
}

// Of an HMAC's 32 bytes.
std::string digits(const std::string& bytes)
{
    Sha256 digest;
    std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
    return to_hex(digest);
}

} // namespace

TEST_SUITE("core.cache.signature")
{
    TEST_CASE("HMAC-SHA256: RFC 4231")
    {
        CHECK(
            digits(cache::hmac_sha256(std::string(20, '\x0b'), "Hi There"))
            == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        CHECK(
            digits(cache::hmac_sha256("Jefe", "what do ya want for nothing?"))
            == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        CHECK(
            digits(cache::hmac_sha256(
                std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"
            ))
            == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    TEST_CASE("the requests that AWS's documentation signs")
    {
        struct Row {
            std::string method, path, query;
            AwsRequest::Fields headers;
            std::string body;
            std::string names, signature;
        };
        const std::string host = "examplebucket.s3.amazonaws.com";
        const std::vector<Row> rows{
            {"GET",
             "/test.txt",
             "",
             {{"Host", host}, {"Range", "bytes=0-9"}},
             "",
             "host;range;x-amz-content-sha256;x-amz-date",
             "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
            {"PUT",
             "/test%24file.text",
             "",
             {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
              {"Host", host},
              {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
             "Welcome to Amazon S3.",
             "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
             "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
            {"GET",
             "/",
             "lifecycle=",
             {{"Host", host}},
             "",
             "host;x-amz-content-sha256;x-amz-date",
             "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
            {"GET",
             "/",
             "max-keys=2&prefix=J",
             {{"HOST", "  " + host + " "}},
             "",
             "host;x-amz-content-sha256;x-amz-date",
             "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.method + " " + row.path + "?" + row.query);
            AwsRequest request;
            request.method = row.method;
            request.path = row.path;
            request.query = row.query;
            request.headers = row.headers;
            request.body = sha256(row.body);
            const auto added = cache::aws_signature(request, example_keys(), may_24);
            CHECK(field(added, "x-amz-date") == "20130524T000000Z");
            CHECK(field(added, "x-amz-content-sha256") == to_hex(sha256(row.body)));
            CHECK(field(added, "x-amz-security-token") == "none");
            CHECK(
                field(added, "Authorization")
                == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
                   "aws4_request,SignedHeaders="
                       + row.names + ",Signature=" + row.signature
            );
        }
    }

    TEST_CASE("all that is signed changes the signature")
    {
        AwsRequest request;
        request.method = "GET";
        request.path = "/a";
        request.headers = {{"Host", "h"}};
        const auto sign = [](const AwsRequest& of, const AwsKeys& keys, int seconds = 0) {
            const auto fields =
                cache::aws_signature(of, keys, may_24 + std::chrono::seconds(seconds));
            const std::string whole = field(fields, "Authorization");
            return whole.substr(whole.find("Signature="));
        };
        const std::string first = sign(request, example_keys());
        CHECK(sign(request, example_keys()) == first);
        CHECK(sign(request, example_keys(), 1) != first);
        const std::vector<std::function<void(AwsRequest&, AwsKeys&)>> changes{
            [](AwsRequest& r, AwsKeys&) { r.method = "PUT"; },
            [](AwsRequest& r, AwsKeys&) { r.path = "/b"; },
            [](AwsRequest& r, AwsKeys&) { r.query = "b="; },
            [](AwsRequest& r, AwsKeys&) { r.body.bytes[0] = 1; },
            [](AwsRequest& r, AwsKeys&) { r.headers[0].second = "i"; },
            [](AwsRequest&, AwsKeys& k) { k.secret_key += "x"; },
            [](AwsRequest&, AwsKeys& k) { k.region = "eu-west-1"; },
            [](AwsRequest&, AwsKeys& k) { k.session_token = "token"; },
        };
        for (const auto& change : changes) {
            AwsRequest other = request;
            AwsKeys keys = example_keys();
            change(other, keys);
            CHECK(sign(other, keys) != first);
        }
    }

    TEST_CASE("a session token is sent and signed")
    {
        AwsRequest request;
        request.headers = {{"Host", "h"}};
        AwsKeys keys = example_keys();
        keys.session_token = "token-1";
        const auto fields = cache::aws_signature(request, keys, may_24);
        CHECK(field(fields, "x-amz-security-token") == "token-1");
        CHECK(
            field(fields, "Authorization").find(";x-amz-date;x-amz-security-token,")
            != std::string::npos
        );
    }
}
