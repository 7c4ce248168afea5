#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace baton::http {

/// The header fields of a request or a reply, in the order they came, names in the case they were sent in. A
/// view: it costs two words to copy, and is good as long as what it belongs to. Nothing is joined or dropped:
/// a field sent twice is there twice (Node's `rawHeaders`, not its `headers`).
class Headers {
 public:
  /// Name and value; the value has no white space at its ends and may be empty.
  using Field = std::pair<std::string_view, std::string_view>;

  /// Where a field stands in the text of the head.
  class Place {
   public:
    /// Offsets and sizes in the text.
    Place(std::uint32_t name, std::uint32_t name_size, std::uint32_t value, std::uint32_t value_size) noexcept
        : name_(name), name_size_(name_size), value_(value), value_size_(value_size) {}
    /// The field, in the text that it was found in.
    [[nodiscard]] Field in(const char* text) const noexcept {
      return {{text + name_, name_size_}, {text + value_, value_size_}};
    }

   private:
    std::uint32_t name_, name_size_, value_, value_size_;
  };

  /// Goes over the fields in their order.
  class Iterator {
   public:
    /// @{
    /// As the standard library wants it.
    using iterator_category = std::input_iterator_tag;
    using value_type = Field;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Field;
    /// @}

    Iterator() = default;
    /// @{
    /// As of any input iterator.
    Iterator(const char* text, const Place* place) noexcept : text_(text), place_(place) {}
    Field operator*() const noexcept { return place_->in(text_); }
    Iterator& operator++() noexcept { return ++place_, *this; }
    Iterator operator++(int) noexcept { return {text_, place_++}; }
    bool operator==(const Iterator& other) const noexcept { return place_ == other.place_; }
    /// @}

   private:
    const char* text_ = nullptr;
    const Place* place_ = nullptr;
  };

  Headers() = default;
  /// A view of these fields of the text; both must outlive it.
  Headers(const char* text, std::span<const Place> places) noexcept : text_(text), places_(places) {}

  /// @{
  /// The fields, in their order.
  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
  [[nodiscard]] bool empty() const noexcept { return places_.empty(); }
  [[nodiscard]] Field operator[](std::size_t index) const noexcept { return places_[index].in(text_); }
  [[nodiscard]] Iterator begin() const noexcept { return {text_, places_.data()}; }
  [[nodiscard]] Iterator end() const noexcept { return {text_, places_.data() + places_.size()}; }
  /// @}

  /// The value of the first field of that name, in whatever case; nothing if there is none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;

 private:
  const char* text_ = nullptr;
  std::span<const Place> places_;
};

}  // namespace baton::http
