#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/pages.h"
#include "wire/allowance.h"

namespace baton::wire {

/// What a reader has read and not yet put into its array or object: a stack that grows without moving what
/// lies on it, and frees its memory while that moves away. So a container of millions takes, while it is
/// made, hardly more memory than in the end. The first `First` lie in the pile itself: small messages
/// allocate nothing.
template <class T, std::size_t First>
class Pile {
 public:
  explicit Pile(Allowance& allowance) : allowance_(allowance) { enter(0); }
  Pile(const Pile&) = delete;
  Pile& operator=(const Pile&) = delete;
  ~Pile() {
    for (std::size_t i = 0; i <= grown_.size(); ++i) {
      const Piece one = piece(i);
      std::destroy(one.begin, i == grown_.size() ? top_ : one.end);
    }
    shrink(0);
  }

  /// False: there is no memory for it, and it is not there.
  template <class... Arguments>
  bool push(Arguments&&... arguments) {
    if (top_ == end_ && !grow()) return false;
    std::construct_at(top_, std::forward<Arguments>(arguments)...);
    ++top_;
    return true;
  }

  /// Takes the last `count` away: each goes to `each`, in their order, which puts them where `bytes` are
  /// wanted for them. False: there is no memory for that, and nothing has happened.
  template <class Each>
  bool take_last(std::size_t count, std::size_t bytes, Each each) {
    const std::size_t here = static_cast<std::size_t>(top_ - begin_);
    std::size_t first_piece = grown_.size();
    std::size_t in_first = count;
    std::size_t freed = 0;
    for (std::size_t held = here; in_first > held; held = piece(first_piece).size()) {
      in_first -= held;
      freed += piece(first_piece--).bytes();
    }
    allowance_.give_back(freed);
    if (!allowance_.take(bytes)) return false;
    T* top = first_piece == grown_.size() ? top_ : piece(first_piece).end;
    T* const first = top - in_first;
    move_out(first, top, each);
    for (std::size_t i = first_piece + 1; i <= grown_.size(); ++i) {
      const Piece next = piece(i);
      move_out(next.begin, i == grown_.size() ? top_ : next.end, each);
      free_block(next.begin, next.bytes());
      grown_[i - 1].begin = nullptr;
    }
    shrink(first_piece);
    top_ = first;
    return true;
  }

 private:
  struct Piece {
    T* begin;
    T* end;
    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(end - begin); }
    [[nodiscard]] std::size_t bytes() const noexcept { return size() * sizeof(T); }
  };
  static constexpr std::size_t most = (std::size_t{1} << 20) / sizeof(T);  // in a piece

  [[nodiscard]] Piece piece(std::size_t number) noexcept {
    T* const own = reinterpret_cast<T*>(own_);
    return number == 0 ? Piece{own, own + First} : grown_[number - 1];
  }
  void enter(std::size_t number) noexcept {
    begin_ = top_ = piece(number).begin;
    end_ = piece(number).end;
  }
  bool grow() {
    const std::size_t size = std::min(4 * piece(grown_.size()).size(), most);
    if (!allowance_.take(size * sizeof(T))) return false;
    grown_.reserve(grown_.size() + 1);
    T* const begin = static_cast<T*>(allocate_block(size * sizeof(T)));
    grown_.push_back({begin, begin + size});
    enter(grown_.size());
    return true;
  }
  // Only the pieces up to that number are left.
  void shrink(std::size_t number) noexcept {
    for (; grown_.size() > number; grown_.pop_back()) {
      const Piece last = grown_.back();
      if (last.begin != nullptr) free_block(last.begin, last.bytes());
    }
    enter(number);
  }
  template <class Each>
  static void move_out(T* first, T* last, Each& each) {
    for (T* one = first; one != last; ++one) {
      each(std::move(*one));
      std::destroy_at(one);
    }
  }

  Allowance& allowance_;
  alignas(T) std::byte own_[First * sizeof(T)];
  T* begin_ = nullptr;
  T* top_ = nullptr;
  T* end_ = nullptr;
  std::vector<Piece> grown_;
};

}  // namespace baton::wire
