#pragma once

// WebSocket (RFC 6455) for a server: what a handshake has to say, bytes in, messages out, and frames to send.
// No I/O.

#include <algorithm>
#include <array>
#include <boost/uuid/detail/sha1.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace websocket {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// Why a connection is closed.
enum Code : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  not_utf8 = 1007,
  too_big = 1009
};

inline constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

inline std::string base64(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += i + k > bytes.size() ? '=' : base64_digits[group >> (18 - 6 * k) & 63U];
    }
  }
  return text;
}

/// Whether `text` is this word, which is in lower case, in whatever case.
inline bool is_word(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word, [](char there, char here) {
    return (there >= 'A' && there <= 'Z' ? static_cast<char>(there - 'A' + 'a') : there) == here;
  });
}

/// Whether a header's value that is a list has the word in it.
inline bool has_word(std::string_view value, std::string_view word) {
  for (;;) {
    const std::size_t comma = value.find(',');
    std::string_view one = value.substr(0, comma);
    const std::size_t begin = std::min(one.find_first_not_of(" \t"), one.size());
    one = one.substr(begin, one.find_last_not_of(" \t") + 1 - begin);
    if (is_word(one, word)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
}

/// Whether a client's `Sec-WebSocket-Key` is base64 of 16 bytes.
inline bool is_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") && key.find_first_not_of(base64_digits) == 22;
}

/// What `Sec-WebSocket-Accept` has to say to a client's `Sec-WebSocket-Key`.
inline std::string accept_key(std::string_view key) {
  boost::uuids::detail::sha1 hash;
  hash.process_bytes(key.data(), key.size());
  constexpr std::string_view fixed = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  hash.process_bytes(fixed.data(), fixed.size());
  std::uint32_t words[5];
  hash.get_digest(words);
  std::string digest;
  for (const std::uint32_t word : words) {
    for (int shift = 24; shift >= 0; shift -= 8) digest += static_cast<char>(word >> shift & 0xff);
  }
  return base64(digest);
}

/// Whether the text is UTF-8: no surrogates, nothing overlong, nothing over U+10FFFF.
inline bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i++]);
    if (byte < 0x80) continue;
    const int more = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    if (byte < 0xc2 || byte > 0xf4 || text.size() - i < static_cast<std::size_t>(more)) return false;
    std::uint32_t point = byte & (0x3fU >> more);
    for (int k = 0; k < more; ++k) {
      const auto next = static_cast<unsigned char>(text[i++]);
      if ((next & 0xc0U) != 0x80) return false;
      point = point << 6 | (next & 0x3fU);
    }
    const std::uint32_t least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
  }
  return true;
}

/// One unfragmented frame, unmasked as a server's are.
inline std::string frame(Opcode opcode, std::string_view payload) {
  std::string bytes(1, static_cast<char>(0x80U | static_cast<unsigned>(opcode)));
  const std::size_t size = payload.size();
  const int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  bytes += static_cast<char>(length_bytes == 0 ? size : length_bytes == 2 ? 126U : 127U);
  for (int k = length_bytes - 1; k >= 0; --k) bytes += static_cast<char>(size >> (8 * k) & 0xff);
  return bytes += payload;
}

inline std::string close_frame(Code code, std::string_view reason = {}) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return frame(Opcode::close, payload += reason);
}

/// Messages out of a client's bytes, which may come in any pieces.
class Decoder {
 public:
  enum class Event : std::uint8_t {
    need_more,  ///< the input is used up
    message,    ///< `payload()` is a whole message, `opcode()` text or binary
    control,    ///< `control()` is the payload of a close, ping or pong, as `opcode()` says
    failure,    ///< the client broke a rule: `code()` says which; no more can be read
  };

  /// A message longer than that is a failure.
  explicit Decoder(std::size_t longest) : longest_(longest) {}

  /// Takes bytes from the front of `input` until there is something to say.
  Event feed(std::string_view& input) {
    if (failed_) return Event::failure;
    if (told_) begin_message();
    for (;;) {
      if (header_size_ < header_wanted()) {
        if (input.empty()) return Event::need_more;
        header_[header_size_++] = static_cast<unsigned char>(input.front());
        input.remove_prefix(1);
        if (header_size_ == 2 && !may_begin()) return fail(protocol_error);
        if (header_size_ < header_wanted()) continue;
        if (const Code code = begin_payload(); code != normal) return fail(code);
        continue;
      }
      take_payload(input);
      if (left_ > 0) return Event::need_more;
      header_size_ = 0;
      const bool control_frame = is_control();
      if (!control_frame && !final_) continue;
      opcode_ = control_frame ? frame_opcode() : message_opcode_;
      if (control_frame) return opcode_ == Opcode::close ? check_close() : Event::control;
      told_ = true;
      if (opcode_ == Opcode::text && !is_utf8(message_)) return fail(not_utf8);
      return Event::message;
    }
  }

  [[nodiscard]] Opcode opcode() const noexcept { return opcode_; }
  [[nodiscard]] const std::string& payload() const noexcept { return message_; }
  [[nodiscard]] const std::string& control() const noexcept { return control_; }
  [[nodiscard]] Code code() const noexcept { return code_; }

 private:
  [[nodiscard]] Opcode frame_opcode() const noexcept { return static_cast<Opcode>(header_[0] & 0x0fU); }
  [[nodiscard]] bool is_control() const noexcept { return (header_[0] & 0x08U) != 0; }
  [[nodiscard]] unsigned short_length() const noexcept { return header_[1] & 0x7fU; }
  [[nodiscard]] std::size_t length_bytes() const noexcept {
    return short_length() < 126 ? 0 : short_length() == 126 ? 2 : 8;
  }
  // Two bytes, the longer length, and the mask.
  [[nodiscard]] std::size_t header_wanted() const noexcept {
    return header_size_ < 2 ? 2 : 2 + length_bytes() + mask_size;
  }

  // Nothing was negotiated, so no reserved bit; a client masks; a control frame is short and whole; a message
  // begins where none is open, and is continued where one is.
  [[nodiscard]] bool may_begin() const noexcept {
    const bool whole = (header_[0] & 0x80U) != 0;
    if ((header_[0] & 0x70U) != 0 || (header_[1] & 0x80U) == 0) return false;
    const auto opcode = static_cast<unsigned>(frame_opcode());
    if (is_control()) return opcode <= 10 && whole && short_length() < 126;
    return opcode == 0 ? open_ : opcode <= 2 && !open_;
  }

  // `normal`, or what is wrong with the length.
  Code begin_payload() {
    left_ = short_length();
    if (length_bytes() > 0) {
      left_ = 0;
      for (std::size_t k = 0; k < length_bytes(); ++k) left_ = left_ << 8 | header_[2 + k];
      if (left_ < (length_bytes() == 2 ? 126U : 65536U)) return protocol_error;
    }
    masked_ = 0;
    if (is_control()) {
      control_.clear();
      return normal;
    }
    final_ = (header_[0] & 0x80U) != 0;
    if (!open_) message_opcode_ = frame_opcode();
    open_ = !final_;
    return left_ > longest_ - message_.size() ? too_big : normal;
  }

  void take_payload(std::string_view& input) {
    const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
    std::string& to = is_control() ? control_ : message_;
    const unsigned char* mask = header_.data() + header_wanted() - mask_size;
    for (const char c : input.substr(0, part)) {
      to += static_cast<char>(static_cast<unsigned char>(c) ^ mask[masked_++ % mask_size]);
    }
    input.remove_prefix(part);
    left_ -= part;
  }

  Event check_close() {
    if (control_.empty()) return Event::control;
    if (control_.size() == 1) return fail(protocol_error);
    const unsigned code =
        static_cast<unsigned char>(control_[0]) * 256U + static_cast<unsigned char>(control_[1]);
    const bool known = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
                       (code >= 3000 && code <= 4999);
    if (!known) return fail(protocol_error);
    return is_utf8(std::string_view(control_).substr(2)) ? Event::control : fail(not_utf8);
  }

  void begin_message() {
    told_ = false;
    message_.clear();
  }
  Event fail(Code code) {
    failed_ = true;
    code_ = code;
    return Event::failure;
  }

  static constexpr std::size_t mask_size = 4;
  std::size_t longest_;
  std::array<unsigned char, 14> header_{};
  std::size_t header_size_ = 0;
  std::uint64_t left_ = 0;
  std::size_t masked_ = 0;
  std::string message_, control_;
  Opcode message_opcode_ = Opcode::text;
  Opcode opcode_ = Opcode::text;
  Code code_ = normal;
  bool open_ = false;   // a message waits for its continuation
  bool final_ = false;  // the present frame ends its message
  bool told_ = false;
  bool failed_ = false;
};

}  // namespace websocket
