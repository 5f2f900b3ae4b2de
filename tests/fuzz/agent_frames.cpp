#include "agent/codec.hpp"
#include "agent/messages.hpp"
#include "fuzz.hpp"

#include <algorithm>
#include <string>
#include <vector>

// What the agent and its clients read: frames in any pieces, and every message.

using namespace slipway::agent;
using namespace slipway::fuzz;

namespace {

struct Seen {
    Type type;
    std::uint32_t channel;
    std::string payload;
    friend bool operator==(const Seen&, const Seen&) = default;
};

void read_all(FrameReader& reader, std::vector<Seen>& out)
{
    while (const auto message = reader.next()) {
        require(message->payload.size() <= max_message, "a message is longer than its bound");
        out.push_back({message->type, message->channel, std::string(message->payload)});
    }
}

std::vector<Seen> read_pieces(FrameReader reader, std::string_view bytes, std::size_t size)
{
    std::vector<Seen> out;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
        reader.feed(bytes.substr(0, size));
        read_all(reader, out);
    }
    return out;
}

template <class T>
void check_message(std::string_view payload)
{
    const auto message = decode<T>(payload);
    if (message) require(encode(*message) == payload, "a message comes back as another");
}

void check_messages(std::string_view payload)
{
    check_message<Hello>(payload);
    check_message<Welcome>(payload);
    check_message<Busy>(payload);
    check_message<Refused>(payload);
    check_message<ResetDone>(payload);
    check_message<Run>(payload);
    check_message<Window>(payload);
    check_message<Resize>(payload);
    check_message<Signal>(payload);
    check_message<Cancel>(payload);
    check_message<Started>(payload);
    check_message<Exit>(payload);
    check_message<Failed>(payload);
}

std::string hello_of(std::uint32_t tag)
{
    std::string out;
    append_message(out, Type::hello, 0, encode(Hello()), tag);
    return out;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input = text_of(data, size);
    check_messages(input);

    // After a hello with a tag that inputs can have easily.
    const std::string session = hello_of(1) + std::string(input);
    const auto whole = read_pieces(FrameReader(), session, session.size());
    require(!whole.empty() && whole.front().type == Type::hello, "a hello is not seen");
    require(
        read_pieces(FrameReader(), session, size < 1000 ? 1 : 100) == whole,
        "pieces of another size give other messages"
    );
    for (const Seen& seen : whole) {
        check_messages(seen.payload);
    }

    // Whoever left it behind, the next client is heard.
    constexpr std::uint32_t next_tag = 0x01020304;
    FrameReader agent;
    std::vector<Seen> heard;
    agent.feed(session + std::string(preamble_size, '\0') + hello_of(next_tag));
    read_all(agent, heard);
    require(
        heard.back().type == Type::hello && agent.tag() == next_tag, "the next client is not heard"
    );

    // And a client finds its answer behind it.
    Nonce nonce{};
    std::string_view("sixteen bytes ok").copy(nonce.data(), nonce.size());
    Welcome welcome;
    welcome.nonce = nonce;
    std::string answer;
    append_message(answer, Type::welcome, 0, encode(welcome), next_tag);
    if (input.find(std::string_view(nonce.data(), nonce.size())) == std::string_view::npos) {
        const auto found =
            read_pieces(FrameReader(next_tag, nonce), std::string(input) + answer, 100);
        require(!found.empty() && found.front().type == Type::welcome, "the answer is not found");
    }
    return 0;
}
