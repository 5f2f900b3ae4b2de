#pragma once

#include "support/temp_directory.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace slipway::test {

/// Certificates made on the spot, in a directory of their own: ca.pem, and a .pem and .key pair for
/// each name that `issue` is asked for.
class Pki {
public:
    Pki() : ca_key_(new_key())
    {
        ca_ = new_certificate("fake engine CA", ca_key_.get(), {}, 3600);
        write("ca.pem", ca_.get());
    }

    /// `alternative_names` as OpenSSL's configuration spells them: "DNS:localhost,IP:127.0.0.1".
    void issue(const std::string& name, const std::string& alternative_names, long seconds = 3600)
    {
        const auto key = new_key();
        write(name + ".pem", new_certificate(name, key.get(), alternative_names, seconds).get());
        const File file(std::fopen(path(name + ".key").c_str(), "w"));
        PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    }

    /// Puts a password on the key of `name`.
    void lock_key(const std::string& name)
    {
        const auto key = new_key();
        std::string password = "secret";
        const File file(std::fopen(path(name + ".key").c_str(), "w"));
        PEM_write_PrivateKey(
            file.get(), key.get(), EVP_aes_128_cbc(), nullptr, 0, nullptr, password.data()
        );
    }

    std::filesystem::path path(const std::string& file) const { return directory_.path() / file; }

private:
    struct Free {
        void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
        void operator()(X509* certificate) const { X509_free(certificate); }
        void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    using Key = std::unique_ptr<EVP_PKEY, Free>;
    using Certificate = std::unique_ptr<X509, Free>;
    using File = std::unique_ptr<std::FILE, Free>;

    static Key new_key() { return Key(EVP_EC_gen("P-256")); }

    // Signed by the authority, or by itself while there is none.
    Certificate new_certificate(
        const std::string& name, EVP_PKEY* key, const std::string& alternative_names, long seconds
    )
    {
        Certificate certificate(X509_new());
        X509_set_version(certificate.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial_);
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -7200);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), seconds);
        X509_set_pubkey(certificate.get(), key);
        X509_NAME* subject = X509_get_subject_name(certificate.get());
        const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0);
        X509* issuer = ca_ ? ca_.get() : certificate.get();
        X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
        extend(certificate.get(), NID_basic_constraints, ca_ ? "CA:FALSE" : "critical,CA:TRUE");
        if (!alternative_names.empty()) {
            extend(certificate.get(), NID_subject_alt_name, alternative_names.c_str());
        }
        if (X509_sign(certificate.get(), ca_key_.get(), EVP_sha256()) == 0) {
            throw std::runtime_error("cannot sign a certificate");
        }
        return certificate;
    }

    static void extend(X509* certificate, int what, const char* value)
    {
        const std::unique_ptr<X509_EXTENSION, Free> extension(
            X509V3_EXT_conf_nid(nullptr, nullptr, what, value)
        );
        if (!extension) throw std::runtime_error(std::string("no such extension: ") + value);
        X509_add_ext(certificate, extension.get(), -1);
    }

    void write(const std::string& file, X509* certificate)
    {
        const File out(std::fopen(path(file).c_str(), "w"));
        if (!out || PEM_write_X509(out.get(), certificate) != 1) {
            throw std::runtime_error("cannot write " + path(file).string());
        }
    }

    TempDirectory directory_;
    long serial_ = 0;
    Key ca_key_;
    Certificate ca_;
};

} // namespace slipway::test
