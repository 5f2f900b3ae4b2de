#include <slipway/core/digest.hpp>

#include <openssl/evp.h>

#include <new>
#include <stdexcept>

namespace slipway::core {

namespace {

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const noexcept { ::EVP_MD_CTX_free(context); }
};

// Looked up once: the search takes longer than the digest of a short text.
const EVP_MD* sha256_method()
{
    static const EVP_MD* const method = ::EVP_MD_fetch(nullptr, "SHA256", nullptr);
    if (method == nullptr) throw std::runtime_error("OpenSSL has no SHA-256");
    return method;
}

void check_openssl(int done)
{
    if (done != 1) throw std::runtime_error("OpenSSL cannot take a SHA-256");
}

std::optional<std::uint8_t> value_of(char digit) noexcept
{
    if (digit >= '0' && digit <= '9') return static_cast<std::uint8_t>(digit - '0');
    if (digit >= 'a' && digit <= 'f') return static_cast<std::uint8_t>(digit - 'a' + 10);
    return std::nullopt;
}

} // namespace

std::string to_hex(const Sha256& digest)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(2 * digest.bytes.size());
    for (const std::uint8_t byte : digest.bytes) {
        out += digits[byte >> 4U];
        out += digits[byte & 0xfU];
    }
    return out;
}

std::optional<Sha256> sha256_from_hex(std::string_view text) noexcept
{
    Sha256 digest;
    if (text.size() != 2 * digest.bytes.size()) return std::nullopt;
    for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
        const auto high = value_of(text[2 * i]);
        const auto low = value_of(text[2 * i + 1]);
        if (!high || !low) return std::nullopt;
        digest.bytes[i] = static_cast<std::uint8_t>(*high << 4U | *low);
    }
    return digest;
}

struct Sha256Hasher::State {
    State() : context(::EVP_MD_CTX_new())
    {
        if (context == nullptr) throw std::bad_alloc();
        check_openssl(::EVP_DigestInit_ex2(context.get(), sha256_method(), nullptr));
    }

    std::unique_ptr<EVP_MD_CTX, FreeContext> context;
};

Sha256Hasher::Sha256Hasher() : state_(std::make_unique<State>()) {}
Sha256Hasher::Sha256Hasher(Sha256Hasher&&) noexcept = default;
Sha256Hasher& Sha256Hasher::operator=(Sha256Hasher&&) noexcept = default;
Sha256Hasher::~Sha256Hasher() = default;

void Sha256Hasher::add(std::string_view bytes)
{
    if (state_ == nullptr) state_ = std::make_unique<State>(); // it was moved from
    check_openssl(::EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()));
}

Sha256 Sha256Hasher::finish()
{
    if (state_ == nullptr) state_ = std::make_unique<State>();
    Sha256 digest;
    check_openssl(::EVP_DigestFinal_ex(state_->context.get(), digest.bytes.data(), nullptr));
    check_openssl(::EVP_DigestInit_ex2(state_->context.get(), nullptr, nullptr));
    return digest;
}

Sha256 sha256(std::string_view bytes)
{
    Sha256 digest;
    check_openssl(::EVP_Digest(
        bytes.data(), bytes.size(), digest.bytes.data(), nullptr, sha256_method(), nullptr
    ));
    return digest;
}

} // namespace slipway::core
