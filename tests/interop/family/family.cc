#include "interop/family/family.h"

#include <cstdlib>

namespace baton::family {

baton::Child start(Process& self, std::vector<std::string> rest, const SpawnOptions& options,
                   std::size_t place) {
  const std::string& module = self.args()[place];
  if (!module.ends_with(".js")) return spawn(self.loop(), module, std::move(rest), options);
  rest.insert(rest.begin(), module);
  const char* node = std::getenv("BATON_NODE");
  return spawn(self.loop(), node != nullptr ? node : "node", std::move(rest), options);
}

ForkedChild& fork(Process& self, std::vector<std::string> rest, const ForkOptions& options) {
  return self.fork(self.args()[1], ForkOptions(options).args(std::move(rest)));
}

}  // namespace baton::family

int main(int argc, char** argv) {
  using namespace baton::family;
  const std::string act = argc > 1 ? argv[1] : "";
  for (const auto* acts : {&parents_of_programs, &parents_with_channels}) {
    if (const auto found = acts->find(act); found != acts->end())
      return baton::run(argc, argv, {{"family", found->second}});
  }
  return baton::run(argc, argv, {{"family", children.at(act)}});
}
