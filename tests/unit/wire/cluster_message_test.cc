#include "wire/cluster_message.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "baton/wire/json.h"

namespace baton::wire {
namespace {

Value json(std::string_view text) {
  auto value = read_json(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value ? std::move(*value) : Value();
}
std::string of_worker(std::string_view text) {
  const auto message = parse_worker_message(json(text));
  return message ? to_json(to_value(*message)) : message.error().step();
}
std::string why_not(std::string_view text) {
  const auto message = parse_worker_message(json(text));
  return message ? "it is a message" : message.error().step();
}
std::string why_not_of_a_primary(std::string_view text) {
  const auto message = parse_primary_message(json(text));
  return message ? "it is a message" : message.error().step();
}

// Each line that a Node worker was seen to write comes out as it went in.
TEST(ClusterMessage, WritesAWorkersMessagesByteForByte) {
  for (
      const std::string_view line : {
          R"({"cmd":"NODE_CLUSTER","act":"online","seq":0})",
          R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":39371,"addressType":4,"backlog":0,"seq":1})",
          R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"127.0.0.1","port":0,"addressType":4,"flags":0,"backlog":0,"seq":1})",
          R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"127.0.0.1","port":0,"addressType":"udp4","fd":-1,"flags":0,"seq":1})",
          R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":{"ticketKeys":"00ff"},"address":"::","port":443,"addressType":6,"flags":1,"backlog":7,"seq":5})",
          R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"/srv/app.sock","port":-1,"addressType":-1,"backlog":0,"readableAll":true,"writableAll":true,"seq":6})",
          R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":null,"addressType":null,"fd":3,"backlog":0,"seq":6})",
          R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":null,"addressType":"udp4","fd":9,"flags":null,"seq":6})",
          R"({"cmd":"NODE_CLUSTER","act":"listening","index":0,"data":null,"address":null,"port":39371,"addressType":4,"backlog":0,"seq":2})",
          R"({"cmd":"NODE_CLUSTER","ack":1,"accepted":true,"seq":3})",
          R"({"cmd":"NODE_CLUSTER","ack":3,"accepted":false,"seq":5})",
          R"({"cmd":"NODE_CLUSTER","act":"close","key":"null:39371:4:undefined:0","seq":6})",
          R"({"cmd":"NODE_CLUSTER","act":"exitedAfterDisconnect","seq":6})",
          R"({"cmd":"NODE_CLUSTER","accepted":[1,2,3]})",
          R"({"cmd":"NODE_CLUSTER","accepted":[],"refused":[4]})",
          R"({"cmd":"NODE_BATON_LOAD","connections":17,"lag":0.5})",
          R"({"cmd":"NODE_BATON_PONG","n":3})",
      }) {
    EXPECT_EQ(of_worker(line), line);
  }
}

TEST(ClusterMessage, WritesAPrimarysMessagesByteForByte) {
  const std::string key = "null:39371:4:undefined:0";
  EXPECT_EQ(
      to_json(listening_reply(key, 1, nullptr, Sockname{"127.0.0.1", "IPv4", 39371}, 0)),
      R"({"cmd":"NODE_CLUSTER","errno":null,"key":"null:39371:4:undefined:0","ack":1,"data":null,"sockname":{"address":"127.0.0.1","family":"IPv4","port":39371},"seq":0})");
  EXPECT_EQ(
      to_json(listening_reply("/srv/app.sock:-1:-1:undefined", 6, nullptr, std::nullopt, 5)),
      R"({"cmd":"NODE_CLUSTER","errno":null,"key":"/srv/app.sock:-1:-1:undefined","ack":6,"data":null,"seq":5})");
  EXPECT_EQ(
      to_json(shared_reply("null:40647:4:undefined:0", 1, nullptr, 0)),
      R"({"cmd":"NODE_CLUSTER","errno":0,"key":"null:40647:4:undefined:0","ack":1,"data":null,"seq":0})");
  EXPECT_EQ(
      to_json(failure_reply(-98, "127.0.0.1:5701:4:undefined", 2, nullptr, 1)),
      R"({"cmd":"NODE_CLUSTER","errno":-98,"key":"127.0.0.1:5701:4:undefined","ack":2,"data":null,"seq":1})");
  EXPECT_EQ(to_json(new_connection(key, 1)),
            R"({"cmd":"NODE_CLUSTER","act":"newconn","key":"null:39371:4:undefined:0","seq":1})");
  EXPECT_EQ(to_json(disconnect_request(4)), R"({"cmd":"NODE_CLUSTER","act":"disconnect","seq":4})");
  EXPECT_EQ(to_json(plain_reply(6, 3)), R"({"cmd":"NODE_CLUSTER","ack":6,"seq":3})");
  EXPECT_EQ(to_json(ping(3)), R"({"cmd":"NODE_BATON_PING","n":3})");
}

TEST(ClusterMessage, ReadsWhatAPrimarySays) {
  const auto reply = parse_primary_message(
      json(R"({"cmd":"NODE_CLUSTER","errno":null,"key":"k","ack":1,"data":{"ticketKeys":"00"},)"
           R"("sockname":{"address":"::1","family":"IPv6","port":80},"seq":0})"));
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->kind, PrimaryMessage::Kind::reply);
  EXPECT_EQ(reply->error, 0);
  EXPECT_EQ(reply->key, Value("k"));
  EXPECT_EQ(reply->data["ticketKeys"], Value("00"));
  EXPECT_EQ(reply->sockname->address, "::1");
  EXPECT_EQ(reply->sockname->port, 80);
  const auto connection =
      parse_primary_message(json(R"({"cmd":"NODE_CLUSTER","act":"newconn","key":7,"seq":9})"));
  ASSERT_TRUE(connection.has_value());
  EXPECT_EQ(connection->kind, PrimaryMessage::Kind::new_connection);
  EXPECT_EQ(connection->key, Value(7));
  EXPECT_EQ(connection->seq, 9U);
  const auto failed = parse_primary_message(
      json(R"({"cmd":"NODE_CLUSTER","errno":-98,"key":"k","ack":2,"data":null,"seq":1})"));
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->error, -98);
}

TEST(ClusterMessage, TakesMembersThatAreUndefinedForAbsent) {
  Value message = json(R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,)"
                       R"("port":80,"addressType":4,"backlog":0,"seq":1})");
  message.set("fd", Value()).set("flags", Value()).set("ack", Value());
  const auto parsed = parse_worker_message(message);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().what();
  EXPECT_FALSE(parsed->query.fd.has_value());
  EXPECT_FALSE(parsed->query.has_flags);
}

TEST(ClusterMessage, TakesABacklogAsProgramsGiveIt) {
  const auto backlog = [](std::string_view given) {
    const auto parsed = parse_worker_message(
        json(R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"127.0.0.1",)"
             R"("port":80,"addressType":4,"backlog":)" +
             std::string(given) + R"(,"seq":1})"));
    return parsed ? parsed->query.backlog : -1;
  };
  // http.createServer().listen(80, '127.0.0.1', () => {...})
  EXPECT_EQ(backlog("false"), std::nullopt);
  EXPECT_EQ(backlog("\"7\""), 7);
  EXPECT_EQ(backlog("\"many\""), std::nullopt);
  EXPECT_EQ(backlog("7"), 7);
}

TEST(ClusterMessage, TakesAUdpPortAsNodesDgramWasGivenIt) {
  const auto port = [](std::string_view member) {
    const auto parsed = parse_worker_message(
        json(R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"0.0.0.0",)" +
             std::string(member) + R"("addressType":"udp4","fd":-1,"flags":0,"seq":1})"));
    return parsed ? parsed->query.port : -1;
  };
  EXPECT_EQ(port(""), 0) << "bind(), and bind(callback) in JSON";
  EXPECT_EQ(port(R"("port":null,)"), 0);
  EXPECT_EQ(port(R"("port":"",)"), 0);
  EXPECT_EQ(port(R"("port":"5353",)"), 5353);
  EXPECT_EQ(port(R"("port":"65536",)"), -1);
  EXPECT_EQ(port(R"("port":"5353x",)"), -1);
}

TEST(ClusterMessage, TakesAnAbstractNameForAPath) {
  const auto address = [](std::string_view text) {
    const auto parsed = parse_worker_message(
        json(R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":")" +
             std::string(text) + R"(","port":-1,"addressType":-1,"backlog":0,"seq":1})"));
    return parsed ? parsed->query.path_text() : "none";
  };
  EXPECT_EQ(address(R"(\u0000app)"), "@app");
  EXPECT_EQ(address(R"(\u0000)"), "none");
  EXPECT_EQ(address(R"(/srv/\u0000app/1)"), "@app/1") << "as Node says it";
  EXPECT_EQ(address(R"(\u0000a\u0000b)"), "none");
  EXPECT_EQ(address(R"(/srv/app\u0000)"), "none");
  EXPECT_EQ(address("/run/app"), "/run/app");
}

TEST(ClusterMessage, TrustsNothingThatAWorkerSays) {
  const auto query = [](std::string_view members) {
    return why_not(R"({"cmd":"NODE_CLUSTER","act":"queryServer",)" + std::string(members) + R"(,"seq":1})");
  };
  EXPECT_EQ(query(R"("address":null,"port":65536,"addressType":4)"), "port");
  EXPECT_EQ(query(R"("address":null,"port":-2,"addressType":4)"), "port");
  EXPECT_EQ(query(R"("address":null,"port":-1,"addressType":4)"), "port");
  EXPECT_EQ(query(R"("address":null,"port":80.5,"addressType":4)"), "port");
  EXPECT_EQ(query(R"("address":null,"port":"80","addressType":4)"), "port");
  EXPECT_EQ(query(R"("address":null,"port":80,"addressType":5)"), "addressType");
  EXPECT_EQ(query(R"("address":null,"port":80,"addressType":"tcp")"), "addressType");
  EXPECT_EQ(query(R"("address":null,"port":80)"), "addressType");
  EXPECT_EQ(query(R"("address":["x"],"port":80,"addressType":4)"), "address");
  EXPECT_EQ(query(R"("address":"a\u0000b","port":-1,"addressType":-1)"), "address");
  EXPECT_EQ(query(R"("address":null,"port":-1,"addressType":-1)"), "address");
  EXPECT_EQ(query(R"("address":")" + std::string(5000, 'x') + R"(","port":-1,"addressType":-1)"), "address");
  EXPECT_EQ(query(R"("address":null,"addressType":4)"), "neither port nor fd");
  EXPECT_EQ(query(R"("address":null,"port":null,"addressType":4,"fd":1e12)"), "fd");
  EXPECT_EQ(query(R"("address":null,"port":80,"addressType":4,"flags":"x")"), "flags");
  EXPECT_EQ(query(R"("address":null,"port":80,"addressType":4,"backlog":{})"), "backlog");
  EXPECT_EQ(query(R"("index":-1,"address":null,"port":80,"addressType":4)"), "index");
  EXPECT_EQ(query(R"("data":")" + std::string(70000, 'x') + R"(","address":null,"port":80,"addressType":4)"),
            "data");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_CLUSTER"})"), "neither act nor ack");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_CLUSTER","act":"rm -rf"})"), "an unknown act");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_CLUSTER","act":["online"]})"), "neither act nor ack");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_CLUSTER","act":"close"})"), "key");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_CLUSTER","act":"close","key":7})"), "key");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_CLUSTER","ack":-1,"accepted":true})"), "ack");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_CLUSTER","ack":1})"), "accepted");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_CLUSTER","ack":1,"accepted":"yes"})"), "accepted");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_CLUSTER","accepted":[1,"2"]})"), "accepted");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_CLUSTER","accepted":[1],"refused":7})"), "refused");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_BATON_LOAD","connections":-1})"), "connections");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_BATON_LOAD","connections":1,"lag":-1})"), "lag");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_BATON_PONG"})"), "n");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_HANDLE_ACK"})"), "cmd");
  EXPECT_EQ(why_not(R"({"__proto__":{"cmd":"NODE_CLUSTER","act":"online"}})"), "cmd");
  EXPECT_EQ(why_not(R"([])"), "cmd");
  EXPECT_EQ(why_not(R"({"cmd":"NODE_CLUSTER","act":"online","__proto__":{"act":"close"},"seq":"x"})"),
            "it is a message");
}

TEST(ClusterMessage, TrustsNothingThatAPrimarySays) {
  EXPECT_EQ(why_not_of_a_primary(R"({"cmd":"NODE_CLUSTER","ack":"1"})"), "ack");
  EXPECT_EQ(why_not_of_a_primary(R"({"cmd":"NODE_CLUSTER","ack":1,"errno":"EADDRINUSE"})"), "errno");
  EXPECT_EQ(why_not_of_a_primary(R"({"cmd":"NODE_CLUSTER","ack":1,"sockname":{"address":1,"port":80}})"),
            "sockname");
  EXPECT_EQ(
      why_not_of_a_primary(R"({"cmd":"NODE_CLUSTER","ack":1,"data":")" + std::string(70000, 'x') + "\"}"),
      "data");
  EXPECT_EQ(why_not_of_a_primary(R"({"cmd":"NODE_CLUSTER","ack":1,"key":["k"]})"), "key");
  EXPECT_EQ(why_not_of_a_primary(R"({"cmd":"NODE_CLUSTER","ack":1,"key":")" + std::string(9000, 'x') + "\"}"),
            "key");
  EXPECT_EQ(why_not_of_a_primary(R"({"cmd":"NODE_CLUSTER","ack":1,"key":7,"data":{"ticketKeys":"00"}})"),
            "it is a message");
  EXPECT_EQ(why_not_of_a_primary(R"({"cmd":"NODE_CLUSTER","act":"suicide"})"), "an unknown act");
  EXPECT_EQ(why_not_of_a_primary(R"({"cmd":"NODE_BATON_PING"})"), "n");
  EXPECT_EQ(why_not_of_a_primary("7"), "cmd");
}

TEST(ClusterMessage, RefusesWhatIsTooLongToBeLookedAt) {
  Value message = json(R"({"cmd":"NODE_CLUSTER","act":"online","seq":1})");
  message.mark_large();
  EXPECT_TRUE(parse_worker_message(message)) << "it is short all the same";
  message.set("more", Value::array(std::vector<Value>(20'000, 7)));
  message.mark_large();
  EXPECT_EQ(parse_worker_message(message).error().step(), "too long");
  EXPECT_EQ(parse_primary_message(message).error().step(), "too long");
}

TEST(ClusterMessage, RefusesDataThatIsLargerThanItsJsonOrRefersToWhatIsNotThere) {
  const auto with_data = [](Value data) {
    return parse_worker_message(Value::object()
                                    .set("cmd", "NODE_CLUSTER")
                                    .set("act", "queryServer")
                                    .set("index", 0)
                                    .set("data", std::move(data))
                                    .set("address", nullptr)
                                    .set("port", 80)
                                    .set("addressType", 4)
                                    .set("backlog", 0)
                                    .set("seq", 1));
  };
  EXPECT_TRUE(with_data(Value::object().set("ticketKeys", "00ff")));
  EXPECT_FALSE(with_data(Value::map_of({{1, std::string(size_t{1} << 20, 'x')}})));
  EXPECT_FALSE(with_data(Value::array().push_back(Value::reference(0))));
}

}  // namespace
}  // namespace baton::wire
