// What workers listen on, and what the primary makes of it.

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "process/cluster/cluster_test.h"
#include "support/folder.h"
#include "support/free_port.h"

namespace baton::test {
namespace {

class Listeners : public ClusterOfEither {};

INSTANTIATE_TEST_SUITE_P(With, Listeners, either_serialization(), name_of_serialization);

TEST_P(Listeners, APortAloneIsEveryAddressOfTheMachineAndTheSameForAllWorkers) {
  start();
  const unsigned first = fork();
  const unsigned second = fork();
  const uint16_t chosen = order(first, R"({"do":"serve","port":0})");
  EXPECT_EQ(order(second, R"({"do":"serve","port":0})"), chosen);
  primary.say("listeners");
  EXPECT_EQ(expect_rest("listeners: "), "[::]:" + std::to_string(chosen));
  // The second listen(0) of a worker is another port.
  const uint16_t other = order(first, R"({"do":"serve","port":0})");
  EXPECT_NE(other, chosen);
  EXPECT_EQ(order(second, R"({"do":"serve","port":0})"), other);
  stop();
}

TEST_P(Listeners, AreToldOfAsTheWorkerAskedForThem) {
  start();
  const unsigned worker = fork();
  tell(worker, R"({"do":"serve","host":"127.0.0.1","port":0})");
  const std::string where = expect_rest("1 listening ");
  EXPECT_TRUE(where.starts_with("127.0.0.1:")) << where;
  stop();
}

TEST_P(Listeners, ATakenPortIsTheWorkersError) {
  start();
  const Fd taken = tcp_listener();
  const std::string there = std::to_string(port_of(taken.get()));
  const unsigned worker = fork();
  tell(worker, R"({"do":"serve","host":"127.0.0.1","port":)" + there + "}");
  expect("1 cannot listen on 127.0.0.1:" + there + ": Address already in use");
  EXPECT_TRUE(expect_rest("1 says ").contains("address already in use"));
  // And may be tried again.
  EXPECT_NE(order(worker, R"({"do":"serve","host":"127.0.0.1","port":0})"), 0);
  stop();
}

TEST_P(Listeners, OutliveTheLastWorker) {
  start();
  serve(2);
  for (const unsigned worker : workers) {
    primary.say("kill " + std::to_string(worker) + " 9");
    expect(std::to_string(worker) + " exit: killed by SIGKILL");
  }
  // Nobody is there to serve them, and nobody is refused.
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back(port);
    clients.back().get();
  }
  const unsigned next = fork();
  EXPECT_EQ(order(next, R"({"do":"serve","port":0})"), port);
  const std::string pid = std::to_string(pid_of(next));
  for (Client& client : clients) EXPECT_EQ(client.answer(), pid);
  clients.clear();
  stop();
}

TEST_P(Listeners, MayBeAPathWhoseFileGoesWithThem) {
  const Folder folder;
  const std::string path = folder / "socket";
  start();
  const unsigned worker = fork();
  tell(worker, R"({"do":"serve","writable":1,"path":")" + path + R"("})");
  expect("1 listening unix:" + path);
  struct stat made{};
  ASSERT_EQ(::stat(path.c_str(), &made), 0);
  EXPECT_TRUE(S_ISSOCK(made.st_mode));
  EXPECT_EQ(made.st_mode & 0222U, 0222U);
  Client client(path);
  client.get("/", "Connection: close\r\n");
  EXPECT_EQ(client.answer(), std::to_string(pid_of(worker)));
  client.close();
  stop();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_P(Listeners, OfAPathAreForWhomTheWorkerSays) {
  const Folder folder;
  const mode_t before = ::umask(S_IRWXG | S_IRWXO);
  start();
  ::umask(before);
  const unsigned worker = fork();
  const std::vector<std::pair<std::string, mode_t>> cases = {{"", 0700},
                                                             {R"(,"readable":1)", 0744},
                                                             {R"(,"writable":1)", 0722},
                                                             {R"(,"readable":1,"writable":1)", 0766}};
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto& [more, mode] = cases[i];
    const std::string path = folder / std::to_string(i);
    tell(worker, R"({"do":"serve","path":")" + path + '"' + more + "}");
    expect("1 listening unix:" + path);
    struct stat made{};
    ASSERT_EQ(::stat(path.c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 0777U, mode) << more;
  }
  stop();
}

TEST_P(Listeners, MayBeOfIpv6Only) {
  start();
  const unsigned worker = fork();
  const uint16_t alone = order(worker, R"({"do":"hold","host":"::","port":0,"ipv6_only":1})");
  EXPECT_EQ(std::atoi(Client::of_ipv6(alone).until("\n").c_str()), pid_of(worker));
  EXPECT_TRUE(refuses(alone));
  const uint16_t both = order(worker, R"({"do":"hold","host":"::","port":0})");
  EXPECT_EQ(greeted(both), pid_of(worker));
  stop();
}

TEST_P(Listeners, MayBeOnesThatThePrimaryWasStartedWithButNotItsOwn) {
  const Fd listener = tcp_listener();
  start({}, StartOptions().descriptor(100, listener.get()));
  const unsigned worker = fork();
  port = order(worker, R"({"do":"serve","fd":100})");
  EXPECT_EQ(port, port_of(listener.get()));
  EXPECT_EQ(ask(), pid_of(worker));
  // Every socket of the primary's own, its channels above all, is out of reach.
  for (int number = 3; number < 40; ++number) {
    tell(worker, R"({"do":"serve","fd":)" + std::to_string(number) + "}");
    EXPECT_TRUE(
        expect_rest("1 cannot listen on ").starts_with("descriptor " + std::to_string(number) + ": "));
  }
  stop();
}

TEST_P(Listeners, ThatAreExclusiveBelongToOneWorkerAlone) {
  start();
  const unsigned first = fork();
  const unsigned second = fork();
  port = order(first, R"({"do":"serve","exclusive":1,"port":0})");
  EXPECT_EQ(ask(), pid_of(first));
  tell(second, R"({"do":"serve","exclusive":1,"port":)" + std::to_string(port) + "}");
  EXPECT_TRUE(expect_rest("2 says ").contains("address already in use"));
  primary.say("listeners");
  expect("listeners:");
  stop();
}

TEST_P(Listeners, OfUdpAreSharedByAllWorkers) {
  start();
  const unsigned first = fork();
  const unsigned second = fork();
  const uint16_t bound = order(first, R"({"do":"udp","port":0})");
  EXPECT_NE(bound, 0);
  EXPECT_EQ(order(second, R"({"do":"udp","port":0})"), bound);
  EXPECT_TRUE(ask_udp(bound, "hello").ends_with(" got hello"));
  stop();
}

TEST_P(Listeners, OfUdpAreTheWorkersOwnWhenThePortIsReused) {
  start();
  const unsigned first = fork();
  const unsigned second = fork();
  const uint16_t bound = order(first, R"({"do":"udp","port":0,"reuse_port":1})");
  EXPECT_EQ(order(second, R"({"do":"udp","reuse_port":1,"port":)" + std::to_string(bound) + "}"), bound);
  // Each client is one worker's, by the hash of its port.
  std::set<std::string> answers;
  while (answers.size() < 2) answers.insert(ask_udp(bound, "hello"));
  primary.say("listeners");
  expect("listeners:");
  stop();
}

TEST_P(Listeners, AWorkerMayGiveAPortUpAndListenOnItByAnotherAddress) {
  start();
  const unsigned worker = fork();
  const std::string there = std::to_string(free_port());
  (void)order(worker, R"({"do":"hold","host":"0.0.0.0","port":)" + there + "}");
  tell(worker, R"({"do":"close"})");
  expect(R"(1 says "closed")");
  tell(worker, R"({"do":"hold","host":"127.0.0.1","port":)" + there + "}");
  expect(R"(1 says "holding 127.0.0.1:)" + there + '"');
  EXPECT_EQ(greeted(static_cast<uint16_t>(std::stoi(there))), pid_of(worker));
  stop();
}

TEST_P(Listeners, ANumberThatAWorkerLookedForIsFreeWhenItHasClosed) {
  start();
  const unsigned worker = fork();
  const uint16_t number = order(worker, R"({"do":"hold","port":0})");
  tell(worker, R"({"do":"close"})");
  expect(R"(1 says "closed")");
  EXPECT_TRUE(refuses(number));
  stop();
}

TEST_P(Listeners, OfAPathAreMadeAnewForEachWorkerThatRemovesItsFileAndAsks) {
  const Folder folder;
  const std::string path = folder / "socket";
  start();
  std::set<pid_t> pids;
  for (int i = 0; i < 3; ++i) {
    std::filesystem::remove(path);
    const unsigned worker = fork();
    pids.insert(pid_of(worker));
    tell(worker, R"({"do":"hold","path":")" + path + R"("})");
    EXPECT_EQ(expect_rest(std::to_string(worker) + " says "), "\"holding unix:" + path + '"');
  }
  std::set<pid_t> met;
  for (int i = 0; i < 6; ++i) met.insert(std::atoi(Client(path).until("\n").c_str()));
  EXPECT_EQ(met, pids);
  stop("baton: unix:" + path + " had lost its file, which was made anew");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_P(Listeners, OfAPathWhoseFileACleanerRemovesAreMadeAnewAndLoseNobody) {
  const Folder folder;
  const std::string path = folder / "socket";
  start();
  const unsigned worker = fork();
  tell(worker, R"({"do":"hold","max":1,"path":")" + path + R"("})");
  expect("1 listening unix:" + path);
  const std::string pid = std::to_string(pid_of(worker)) + "\n";
  Client first(path);
  EXPECT_EQ(first.until("\n"), pid);
  Client waits(path);
  std::filesystem::remove(path);
  EXPECT_EQ(primary.errors.next(), "baton: unix:" + path + " had lost its file, which was made anew");
  Client later(path);
  first.close();
  EXPECT_EQ(waits.until("\n"), pid);
  waits.close();
  EXPECT_EQ(later.until("\n"), pid);
  later.close();
  stop();
}

TEST_P(Listeners, OfAPathWhoseFileCannotBeMadeAnewAreToldOfOnceAndComeBack) {
  const Folder folder;
  const std::string place = folder / "place";
  const std::string path = place + "/socket";
  std::filesystem::create_directory(place);
  start();
  const unsigned worker = fork();
  tell(worker, R"({"do":"hold","path":")" + path + R"("})");
  expect("1 listening unix:" + path);
  std::filesystem::remove_all(place);
  EXPECT_EQ(primary.errors.next(),
            "baton: unix:" + path + " has lost its file, which cannot be made anew: nobody can connect");
  std::filesystem::create_directory(place);
  EXPECT_EQ(primary.errors.next(), "baton: unix:" + path + " had lost its file, which was made anew");
  EXPECT_EQ(std::atoi(Client(path).until("\n").c_str()), pid_of(worker));
  stop();
}

TEST_P(Listeners, OfAPathGoToWhoRemovedItsFileWhereWorkersAcceptThemselves) {
  const Folder folder;
  const std::string path = folder / "socket";
  start({"--policy", "shared"});
  std::vector<unsigned> both;
  for (int i = 0; i < 2; ++i) {
    std::filesystem::remove(path);
    both.push_back(fork());
    tell(both.back(), R"({"do":"hold","path":")" + path + R"("})");
    EXPECT_EQ(expect_rest(std::to_string(both.back()) + " says "), "\"holding unix:" + path + '"');
  }
  EXPECT_EQ(std::atoi(Client(path).until("\n").c_str()), pid_of(both.back()));
  stop("baton: unix:" + path + " had its file removed by a worker, which got a new one");
}

TEST_P(Listeners, ThatAWorkerClosesWhileItGoesOnAreClosed) {
  start();
  const unsigned worker = fork();
  const uint16_t held = order(worker, R"({"do":"hold","port":0})");
  tell(worker, R"({"do":"close"})");
  // Within a second somebody could ask for it again.
  std::string open;
  do {
    primary.say("listeners");
    open = expect_rest("listeners:");
  } while (!open.empty());
  EXPECT_TRUE(refuses(held));
  stop();
}

}  // namespace
}  // namespace baton::test
