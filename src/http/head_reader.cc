#include "http/head_reader.h"

#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <concepts>
#include <limits>
#include <optional>

#include "http/syntax.h"

namespace baton::http {
namespace {

namespace beast = boost::beast::http;
using boost::beast::error_code;

std::string_view to_std(boost::beast::string_view text) { return {text.data(), text.size()}; }

// The methods of Node's parser: Beast's, and QUERY. What any other would mean for the body is unknown.
bool is_known_method(beast::verb verb, std::string_view name) {
  return verb != beast::verb::unknown || name == "QUERY";
}

std::string_view why(const error_code& code) {
  switch (static_cast<beast::error>(code.value())) {
    case beast::error::bad_method:
      return "bad method";
    case beast::error::bad_target:
      return "bad request target";
    case beast::error::bad_status:
      return "bad status";
    case beast::error::bad_version:
      return "bad version";
    case beast::error::bad_value:
      return "bad field value";
    case beast::error::bad_content_length:
    case beast::error::multiple_content_length:
      return "bad Content-Length";
    case beast::error::bad_transfer_encoding:
      return "bad Transfer-Encoding";
    default:
      return "bad header field";
  }
}

}  // namespace

template <class Head>
class HeadReader<Head>::Parser final : public beast::basic_parser<std::same_as<Head, RequestHead>> {
  static constexpr bool is_request = std::same_as<Head, RequestHead>;

 public:
  explicit Parser(Head& head) : head_(head) {
    this->header_limit(std::numeric_limits<std::uint32_t>::max());
    // It would refuse a Content-Length over 1 MiB; how much is too much is not for a head to say.
    this->body_limit(boost::none);
    // Without a length it would wait for the end of the connection.
    if constexpr (!is_request) this->skip(head.bodiless_);
  }

  std::string_view read(std::size_t size) {
    error_code code;
    taken_ += this->put(boost::asio::buffer(head_.text_.data() + taken_, size - taken_), code);
    if (!code) return {};
    // After the first line alone it wants the fields. Short of that, a line ended before its grammar did.
    if (code == beast::error::need_more) {
      return taken_ == size && !this->is_header_done() ? ""
             : is_request                              ? "bad request line"
                                                       : "bad status line";
    }
    return refusal_.empty() ? why(code) : refusal_;
  }

  std::string_view read_trailers() {
    error_code code;
    in_trailers_ = true;
    // Beast knows trailers only behind a last chunk.
    this->put(boost::asio::buffer(head_.trailer_text_), code);
    if (code) return why(code);
    // A "Connection: close" here has no meaning in the RFC, but Node obeys it.
    head_.keep_alive_ = head_.keep_alive_ && this->keep_alive();
    return {};
  }

 private:
  using View = boost::beast::string_view;

  void refuse(std::string_view reason, error_code& code) {
    refusal_ = reason;
    code = beast::error::bad_field;
  }

  void on_request_impl(beast::verb verb, View method, View target, int version, error_code& code) override {
    if constexpr (is_request) {
      head_.method_size_ = method.size();
      head_.target_size_ = target.size();
      head_.version_minor_ = version % 10;
      if (!is_known_method(verb, to_std(method))) return refuse("unknown method", code);
      if (!is_target(to_std(method), to_std(target))) return refuse("bad request target", code);
    }
  }

  void on_response_impl(int status, View reason, int version, error_code& code) override {
    if constexpr (!is_request) {
      head_.status_ = status;
      head_.reason_ = reason.empty() ? 0 : static_cast<std::size_t>(reason.data() - head_.text_.data());
      head_.reason_size_ = reason.size();
      head_.version_minor_ = version % 10;
      if (status < 100) return refuse("bad status", code);
    }
  }

  void on_field_impl(beast::field field, View name, View value, error_code& code) override {
    const char* const text = (in_trailers_ ? head_.trailer_text_ : head_.text_).data();
    auto& places = in_trailers_ ? head_.trailer_places_ : head_.places_;
    places.emplace_back(static_cast<std::uint32_t>(name.data() - text),
                        static_cast<std::uint32_t>(name.size()),
                        // Beast gives an empty value no place of its own.
                        static_cast<std::uint32_t>(value.empty() ? 0 : value.data() - text),
                        static_cast<std::uint32_t>(value.size()));
    if (in_trailers_) return;
    if (field == beast::field::content_length) return on_content_length(to_std(value), code);
    if (field == beast::field::transfer_encoding) return on_transfer_encoding(to_std(value), code);
    if constexpr (is_request) on_request_field(field, to_std(value), code);
  }

  void on_request_field(beast::field field, std::string_view value, error_code& code)
    requires(is_request)
  {
    switch (field) {
      case beast::field::host:
        return on_host(value, code);
      case beast::field::expect:
        head_.expectation_ =
            equal_ignoring_case(value, "100-continue") && head_.expectation_ != Expectation::other
                ? Expectation::continue_100
                : Expectation::other;
        return;
      case beast::field::upgrade:
        has_upgrade_ = !value.empty();
        return;
      default:
        return;
    }
  }

  // Node refuses a tab behind the two fields that frame the body; any proxy in front may read them as it
  // does.
  static bool ends_in_tab(std::string_view value) {
    const char* p = value.data() + value.size();
    while (*p == ' ') ++p;
    return *p == '\t';
  }

  void on_host(std::string_view value, error_code& code) {
    if (has_host_) return refuse("more than one Host", code);
    if (!is_host(value)) return refuse("bad Host", code);
    has_host_ = true;
  }

  // Beast takes several that are equal, and lists.
  void on_content_length(std::string_view value, error_code& code) {
    if (head_.content_length_) return refuse("more than one Content-Length", code);
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (error != std::errc() || end != value.data() + value.size() || ends_in_tab(value))
      return refuse("bad Content-Length", code);
    head_.content_length_ = length;
  }

  // Beast reads any other coding as no body at all, and HTTP/1.0's as if it could be trusted.
  void on_transfer_encoding(std::string_view value, error_code& code) {
    if (!equal_ignoring_case(value, "chunked") || ends_in_tab(value))
      return refuse("bad Transfer-Encoding", code);
    if (head_.version_minor_ == 0) return refuse("Transfer-Encoding in HTTP/1.0", code);
    if (head_.chunked_) return refuse("more than one Transfer-Encoding", code);
    head_.chunked_ = true;
  }

  void on_header_impl(error_code& code) override {
    head_.keep_alive_ = this->keep_alive();
    if constexpr (is_request) on_request_head(code);
  }

  void on_request_head(error_code& code)
    requires(is_request)
  {
    if (head_.version_minor_ == 1 && !has_host_) return refuse("no Host", code);
    if (head_.version_minor_ == 0) head_.expectation_ = Expectation::none;
    if (head_.method() == "CONNECT") {
      // What follows is a tunnel's, neither a body nor another request.
      head_.keep_alive_ = head_.chunked_ = false;
      head_.content_length_.reset();
    }
    // A body would have to come to its end first, in the old protocol.
    head_.upgrade_ = has_upgrade_ && this->upgrade() && head_.version_minor_ == 1 && !head_.chunked_ &&
                     head_.content_length_.value_or(0) == 0;
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(View, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, View, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  Head& head_;
  std::size_t taken_ = 0;
  std::string_view refusal_;
  bool has_host_ = false;
  bool has_upgrade_ = false;
  bool in_trailers_ = false;
};

// Beast's parser is good for one message, and is made again in the same place for the next.
template <class Head>
class HeadReader<Head>::Slot {
 public:
  std::optional<Parser> parser;
};

template <class Head>
HeadReader<Head>::HeadReader() : slot_(std::make_unique<Slot>()) {}
template <class Head>
HeadReader<Head>::HeadReader(HeadReader&&) noexcept = default;
template <class Head>
HeadReader<Head>& HeadReader<Head>::operator=(HeadReader&&) noexcept = default;
template <class Head>
HeadReader<Head>::~HeadReader() = default;

template <class Head>
std::string_view HeadReader<Head>::read(Head& head, std::size_t size) {
  if (!slot_->parser) slot_->parser.emplace(head);
  return slot_->parser->read(size);
}

template <class Head>
std::string_view HeadReader<Head>::read_trailers() {
  return slot_->parser->read_trailers();
}

template <class Head>
void HeadReader<Head>::reset() noexcept {
  slot_->parser.reset();
}

template class HeadReader<RequestHead>;
template class HeadReader<ReplyHead>;

}  // namespace baton::http
