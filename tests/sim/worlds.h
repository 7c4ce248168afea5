#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/model_kernel.h"

namespace baton::sim {

/// What one call showed to its caller, in the same terms for the real kernel and for the model. It compares
/// with ==.
struct Outcome {
  int result = 0;                 ///< or -errno
  std::string bytes{};            ///< that were received
  std::vector<int> numbers{};     ///< descriptors received, as the kernel numbered them
  std::vector<int> identities{};  ///< which of the world's files they refer to
  bool truncated = false;
  bool operator==(const Outcome&) const = default;
};
std::string describe(const Outcome& outcome);

/// One process with the descriptors 0, 1, 2 and four files to carry around, in a kernel: the real one or the
/// model.
class World {
 public:
  static constexpr int file_count = 4;
  virtual ~World() = default;
  virtual void set_limit(int limit) = 0;
  virtual int socket_pair(int ends[2]) = 0;  ///< unlike the sends, these are kernel numbers
  virtual Outcome send(int number, const std::string& bytes, const std::vector<int>& carried) = 0;
  virtual Outcome receive(int number, std::size_t size, int slots) = 0;
  virtual Outcome shut_sending(int number) = 0;
  virtual Outcome close(int number) = 0;
  virtual Outcome duplicate(int number) = 0;
  virtual Outcome poll(int number) = 0;  ///< without POLLOUT, which depends on the allocator's sizes
  virtual bool writable(int number) = 0;
};

/// Must be made in a process of its own: it closes every descriptor above 2.
class RealWorld : public World {
 public:
  RealWorld();
  ~RealWorld() override;
  void set_limit(int limit) override;
  int socket_pair(int ends[2]) override;
  Outcome send(int number, const std::string& bytes, const std::vector<int>& carried) override;
  Outcome receive(int number, std::size_t size, int slots) override;
  Outcome shut_sending(int number) override;
  Outcome close(int number) override;
  Outcome duplicate(int number) override;
  Outcome poll(int number) override;
  bool writable(int number) override;

 private:
  std::vector<unsigned long> inodes_;
};

class ModelWorld : public World {
 public:
  ModelWorld();
  void set_limit(int limit) override { kernel.set_limit(pid, static_cast<std::uint32_t>(limit)); }
  int socket_pair(int ends[2]) override;
  Outcome send(int number, const std::string& bytes, const std::vector<int>& carried) override;
  Outcome receive(int number, std::size_t size, int slots) override;
  Outcome shut_sending(int number) override;
  Outcome close(int number) override;
  Outcome duplicate(int number) override;
  Outcome poll(int number) override;
  bool writable(int number) override;

  Random random{1};
  ModelKernel kernel{random};
  Pid pid = 0;

 private:
  int descriptor(int number) const;
  Outcome noted(int result);
  std::vector<int> descriptors_;  // by kernel number
  std::vector<FileId> files_;
};

/// Runs `body` in a forked child and returns what it returned or wrote to standard error; empty if all was
/// well.
std::string in_child(const std::function<std::string()>& body);

}  // namespace baton::sim
