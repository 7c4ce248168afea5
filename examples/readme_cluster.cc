#include "baton/baton.h"

baton::Task<> primary(baton::Process& self) {
  baton::cluster::Primary cluster(self);
  for (unsigned i = 0; i < baton::available_parallelism(); ++i) cluster.fork();  // this program, as "worker"
  co_await cluster.ended();
}

baton::Task<> worker(baton::Process& self) {
  baton::cluster::Worker cluster(self);
  co_await cluster.serve(8080, [](auto& /*request*/, auto& response) { response.end("Hello World\n"); });
  co_await cluster.left();  // told to leave, drained, gone
}

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}, {"worker", worker}}); }
