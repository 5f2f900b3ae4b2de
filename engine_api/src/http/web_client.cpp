#include "base64.hpp"
#include "http/host_field.hpp"
#include "http/http_transport.hpp"
#include "secrets.hpp"

#include <slipway/engine/web_client.hpp>

namespace slipway::engine {

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to)
{
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
        text.replace(at, from.size(), to);
    }
}

// The client's own words are about engines.
Error of_a_server(Error error)
{
    replace_all(error.message, "the engine", "the server");
    for (std::string& doing : error.context) {
        replace_all(doing, "the engine", "the server");
        replace_all(doing, "reaching tcp://", "reaching http://");
    }
    error.hint.clear();
    return error;
}

Task<Response> send_by(std::shared_ptr<Transport> transport, Request request)
{
    const std::vector<std::string> secrets = request.secrets();
    request.unversioned();
    auto answer = co_await transport->send(std::move(request));
    if (!answer) co_return fail(of_a_server(hide(std::move(answer).error(), secrets)));
    co_return answer;
}

} // namespace

WebClient::WebClient(boost::asio::any_io_executor executor, Endpoint server, WebOptions options)
{
    ClientOptions of_transport;
    of_transport.connect_deadline = options.connect_deadline;
    of_transport.call_deadlines = options.deadlines;
    of_transport.max_connections = options.max_connections;
    auto transport = std::make_shared<HttpTransport>(
        std::move(executor), std::move(server), std::move(of_transport)
    );
    transport->use_any_server();
    transport_ = std::move(transport);
}

Task<Response> WebClient::send(Request request) const
{
    return send_by(transport_, std::move(request));
}

std::string WebClient::host(const Endpoint& server)
{
    return host_field(server, true);
}

void add_basic_auth(Request& request, std::string_view user, std::string_view password)
{
    const std::string encoded = base64(std::string(user) + ":" + std::string(password));
    request.secret(std::string(password))
        .secret(encoded)
        .header("Authorization", "Basic " + encoded);
}

} // namespace slipway::engine
