#include "wire/cluster_message.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "baton/wire/advanced.h"
#include "baton/wire/json.h"
#include "wire/handle_message.h"
#include "wire/peer_value.h"

namespace baton::wire {
namespace {

constexpr std::string_view cluster_command = "NODE_CLUSTER";
constexpr std::string_view load_command = "NODE_BATON_LOAD";
constexpr std::string_view ping_command = "NODE_BATON_PING";
constexpr std::string_view pong_command = "NODE_BATON_PONG";
constexpr std::string_view drain_command = "NODE_BATON_DRAIN";
constexpr std::string_view drains_command = "NODE_BATON_DRAINS";
constexpr int64_t highest_port = 65535;

// All that a listener is asked for by, or all answers of a batch, several times over.
constexpr size_t longest_message = size_t{256} << 10;

std::unexpected<Error> bad(std::string_view what) { return failure(Errc::bad_message, "cluster", what); }

// To look at it takes the loop long.
bool too_long(const Value& message) noexcept {
  return message.large() && !is_short(message, longest_message);
}

// Advanced mode sends members that are undefined.
bool absent(const Value& value) { return value.is_undefined(); }

std::optional<uint64_t> counter(const Value& value) {
  const auto number = value.get_if_integer();
  if (!number || *number < 0) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

std::optional<AddressType> address_type(const Value& value) {
  if (value.is_null()) return AddressType::unknown;
  if (const std::string* text = value.get_if_string()) {
    if (*text == "udp4") return AddressType::udp4;
    if (*text == "udp6") return AddressType::udp6;
    return std::nullopt;
  }
  switch (value.get_if_integer().value_or(0)) {
    case 4:
      return AddressType::tcp4;
    case 6:
      return AddressType::tcp6;
    case -1:
      return AddressType::unix_path;
    default:
      return std::nullopt;
  }
}

Value to_value(AddressType type) {
  switch (type) {
    case AddressType::tcp4:
      return 4;
    case AddressType::tcp6:
      return 6;
    case AddressType::unix_path:
      return -1;
    case AddressType::udp4:
      return "udp4";
    case AddressType::udp6:
      return "udp6";
    case AddressType::unknown:
      break;
  }
  return nullptr;
}

// Null or absent: `result` stays empty. False: it is neither an integer of an int nor that.
bool small_integer(const Value& value, std::optional<int64_t>& result) {
  if (absent(value) || value.is_null()) return true;
  const auto number = value.get_if_integer();
  if (!number || *number < std::numeric_limits<int32_t>::min() ||
      *number > std::numeric_limits<int32_t>::max()) {
    return false;
  }
  result = number;
  return true;
}

// Of a text of digits and nothing else.
std::optional<int32_t> number_of(const std::string& text) {
  int32_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// What `listen` was called with, as it stands: Node makes `false` of a callback in its place, and leaves a
// text a text.
bool read_backlog(const Value& value, std::optional<int64_t>& result) {
  if (value.get_if_boolean()) return true;
  const std::string* text = value.get_if_string();
  if (text == nullptr) return small_integer(value, result);
  if (const auto number = number_of(*text)) result = *number;
  return true;
}

// Node's dgram says what `bind` was called with: nothing, or a text that is a number.
bool read_udp_port(const Value& value, std::optional<int64_t>& result) {
  const std::string* text = value.get_if_string();
  if (text == nullptr) return small_integer(value, result);
  if (const auto number = number_of(*text)) result = *number;
  return text->empty() || result.has_value();
}

bool fits(const Value& data, size_t limit) {
  // What refers to something beside it could not be said again, and JSON does not show all that would be.
  if (data.refers()) return false;
  std::string text;
  return write_advanced(data, text).has_value() && text.size() <= limit;
}

// Its meaning is the primary's; there is none in a reply to what has none.
bool is_key(const Value& key, const ClusterMessageLimits& limits) noexcept {
  const std::string* text = key.get_if_string();
  return text != nullptr ? text->size() <= limits.text * 2 : key.is_number() || key.is_null() || absent(key);
}

// Node makes every path absolute, and its primary relative again: abstract names come as /its/folder/\\0name.
bool make_abstract(ListenQuery& query) {
  std::string& path = *query.address;
  const size_t nul = path.find('\0');
  if (query.type != AddressType::unix_path || (nul > 0 && path[nul - 1] != '/')) return false;
  path.erase(0, nul);
  return path.find('\0', 1) == std::string::npos;
}

Result<void> read_address(const Value& message, const ClusterMessageLimits& limits, ListenQuery& query) {
  const auto type = address_type(message["addressType"]);
  if (!type) return bad("addressType");
  query.type = *type;
  const Value& address = message["address"];
  if (const std::string* text = address.get_if_string()) {
    if (text->size() > limits.text) return bad("address");
    query.address = *text;
    if (text->contains('\0') && !make_abstract(query)) return bad("address");
  } else if (!address.is_null() && !absent(address)) {
    return bad("address");
  }
  if (!(query.is_udp() ? read_udp_port : small_integer)(message["port"], query.port)) return bad("port");
  if (query.port && (*query.port < -1 || *query.port > highest_port)) return bad("port");
  if (!small_integer(message["fd"], query.fd)) return bad("fd");
  // Any port: what asks for 0 is told apart by its index.
  if (query.is_udp() && !query.port && query.fd.value_or(-1) < 0) query.port = 0;
  return {};
}

// What is there must also make sense together.
Result<void> check_address(const ListenQuery& query) {
  if (query.fd && *query.fd >= 0) return {};
  if (!query.port) return bad("neither port nor fd");
  const bool path = query.type == AddressType::unix_path;
  if (path != (*query.port == -1)) return bad("port");
  if (path && (!query.address || query.address->size() <= (query.is_abstract() ? 1U : 0U)))
    return bad("address");
  if (query.type == AddressType::unknown) return bad("addressType");
  return {};
}

Result<ListenQuery> read_query(const Value& message, const ClusterMessageLimits& limits) {
  ListenQuery query;
  if (const auto index = counter(message["index"])) {
    query.index = *index;
  } else if (!absent(message["index"])) {
    return bad("index");
  }
  if (const Value& data = message["data"]; !absent(data)) {
    if (!fits(data, limits.data)) return bad("data");
    query.data = data;
  }
  if (auto read = read_address(message, limits, query); !read) return std::unexpected(read.error());
  query.has_flags = !absent(message["flags"]);
  if (!small_integer(message["flags"], query.flags)) return bad("flags");
  if (!read_backlog(message["backlog"], query.backlog)) return bad("backlog");
  query.readable_all = message["readableAll"].get_if_boolean().value_or(false);
  query.writable_all = message["writableAll"].get_if_boolean().value_or(false);
  return query;
}

bool read_counters(const Value& list, size_t limit, std::vector<uint64_t>& result) {
  if (absent(list)) return true;
  if (!list.is_array() || result.size() + list.size() > limit) return false;
  for (const Value& element : list.elements()) {
    const auto number = counter(element);
    if (!number) return false;
    result.push_back(*number);
  }
  return true;
}

Result<WorkerMessage> read_answers(const Value& message, const ClusterMessageLimits& limits) {
  WorkerMessage result;
  result.kind = WorkerMessage::Kind::answers;
  if (absent(message["ack"])) {
    if (!read_counters(message["accepted"], limits.answers, result.accepted)) return bad("accepted");
    if (!read_counters(message["refused"], limits.answers, result.refused)) return bad("refused");
    return result;
  }
  const auto ack = counter(message["ack"]);
  if (!ack) return bad("ack");
  const auto accepted = message["accepted"].get_if_boolean();
  if (!accepted) return bad("accepted");
  (*accepted ? result.accepted : result.refused).push_back(*ack);
  return result;
}

Result<WorkerMessage> read_act(const Value& message, const ClusterMessageLimits& limits) {
  using enum WorkerMessage::Kind;
  const std::string* act = message["act"].get_if_string();
  if (act == nullptr) return bad("neither act nor ack");
  WorkerMessage result;
  if (*act == "online") {
    result.kind = online;
  } else if (*act == "queryServer" || *act == "listening") {
    result.kind = *act == "listening" ? listening : query_server;
    auto query = read_query(message, limits);
    if (!query) return std::unexpected(query.error());
    result.query = std::move(*query);
    if (result.kind == query_server) {
      if (auto sound = check_address(result.query); !sound) return std::unexpected(sound.error());
    }
  } else if (*act == "close") {
    result.kind = close;
    const std::string* key = message["key"].get_if_string();
    if (key == nullptr || !is_key(message["key"], limits)) return bad("key");
    result.key = *key;
  } else if (*act == "exitedAfterDisconnect") {
    result.kind = exited_after_disconnect;
  } else {
    return bad("an unknown act");
  }
  return result;
}

Result<WorkerMessage> read_load(const Value& message) {
  WorkerMessage result;
  result.kind = WorkerMessage::Kind::load;
  const auto connections = counter(message["connections"]);
  if (!connections) return bad("connections");
  result.connections = *connections;
  if (const Value& lag = message["lag"]; !absent(lag) && !lag.is_null()) {
    const auto milliseconds = lag.get_if_number();
    if (!milliseconds || !(*milliseconds >= 0)) return bad("lag");
    result.lag = std::min(*milliseconds, 1e9);
  }
  return result;
}

Result<WorkerMessage> read_pong(const Value& message) {
  WorkerMessage result;
  result.kind = WorkerMessage::Kind::pong;
  const auto number = counter(message["n"]);
  if (!number) return bad("n");
  result.number = *number;
  return result;
}

Result<WorkerMessage> read_drains(const Value& message) {
  WorkerMessage result;
  result.kind = WorkerMessage::Kind::drains;
  const auto signalled = message["signalled"].get_if_boolean();
  if (!signalled) return bad("signalled");
  result.signalled = *signalled;
  return result;
}

Result<std::optional<Sockname>> read_sockname(const Value& value, const ClusterMessageLimits& limits) {
  if (!value.is_object()) return std::optional<Sockname>();
  const std::string* address = value["address"].get_if_string();
  const std::string* family = value["family"].get_if_string();
  const auto port = value["port"].get_if_integer();
  if (address == nullptr || address->size() > limits.text || !port || *port < 0 || *port > highest_port) {
    return bad("sockname");
  }
  return Sockname{*address, family == nullptr || family->size() > 4 ? "IPv4" : *family, *port};
}

Result<PrimaryMessage> read_reply(const Value& message, const ClusterMessageLimits& limits) {
  PrimaryMessage result;
  const auto ack = counter(message["ack"]);
  if (!ack) return bad("ack");
  result.ack = *ack;
  std::optional<int64_t> error;
  if (!small_integer(message["errno"], error)) return bad("errno");
  result.error = error.value_or(0);
  if (!is_key(message["key"], limits)) return bad("key");
  result.key = message["key"];
  if (const Value& data = message["data"]; !absent(data)) {
    if (!fits(data, limits.data)) return bad("data");
    result.data = data;
  }
  auto sockname = read_sockname(message["sockname"], limits);
  if (!sockname) return std::unexpected(sockname.error());
  result.sockname = std::move(*sockname);
  return result;
}

Value start(std::string_view command) { return Value::object().set("cmd", command); }

Value start_reply(Value error, std::string_view key, uint64_t ack, const Value& data) {
  Value reply = start(cluster_command);
  reply.set("errno", std::move(error));
  reply.set("key", key);
  reply.set("ack", ack);
  reply.set("data", data);
  return reply;
}

Value or_null(const std::optional<int64_t>& number) { return number ? Value(*number) : Value(nullptr); }

void add_query(Value& message, const ListenQuery& query) {
  message.set("index", query.index);
  message.set("data", query.data);
  message.set("address", query.address ? Value(*query.address) : Value(nullptr));
  message.set("port", or_null(query.port));
  message.set("addressType", to_value(query.type));
  if (query.fd) message.set("fd", *query.fd);
  if (query.has_flags) message.set("flags", or_null(query.flags));
  if (query.backlog) message.set("backlog", *query.backlog);
  if (query.readable_all) message.set("readableAll", true);
  if (query.writable_all) message.set("writableAll", true);
}

Value answers_value(const WorkerMessage& message) {
  Value value = start(cluster_command);
  if (message.seq) {
    const bool accepted = !message.accepted.empty();
    value.set("ack", accepted ? message.accepted.front() : message.refused.front());
    value.set("accepted", accepted);
    value.set("seq", *message.seq);
    return value;
  }
  const auto add = [&](std::string_view name, const std::vector<uint64_t>& numbers) {
    Value list = Value::array();
    for (const uint64_t number : numbers) list.push_back(number);
    value.set(name, std::move(list));
  };
  add("accepted", message.accepted);
  if (!message.refused.empty()) add("refused", message.refused);
  return value;
}

}  // namespace

bool is_cluster_message(const Value& message) noexcept {
  const std::string_view command = internal_command(message);
  return command == cluster_command || command == load_command || command == ping_command ||
         command == pong_command || command == drain_command || command == drains_command;
}

Result<WorkerMessage> parse_worker_message(const Value& message, const ClusterMessageLimits& limits) {
  if (too_long(message)) return bad("too long");
  const std::string_view command = internal_command(message);
  if (command == load_command) return read_load(message);
  if (command == pong_command) return read_pong(message);
  if (command == drains_command) return read_drains(message);
  if (command != cluster_command) return bad("cmd");
  const bool batch = message["accepted"].is_array() || message["refused"].is_array();
  auto result = !absent(message["ack"]) || batch ? read_answers(message, limits) : read_act(message, limits);
  if (result) result->seq = counter(message["seq"]);
  return result;
}

Result<PrimaryMessage> parse_primary_message(const Value& message, const ClusterMessageLimits& limits) {
  using enum PrimaryMessage::Kind;
  if (too_long(message)) return bad("too long");
  const std::string_view command = internal_command(message);
  PrimaryMessage result;
  if (command == ping_command) {
    const auto number = counter(message["n"]);
    if (!number) return bad("n");
    result.kind = ping;
    result.number = *number;
    return result;
  }
  if (command != cluster_command) return bad("cmd");
  if (!absent(message["ack"])) {
    auto reply = read_reply(message, limits);
    if (reply) reply->seq = counter(message["seq"]);
    return reply;
  }
  result.seq = counter(message["seq"]);
  const std::string* act = message["act"].get_if_string();
  if (act == nullptr) return bad("neither act nor ack");
  if (*act == "newconn") {
    result.kind = new_connection;
    result.key = message["key"];
  } else if (*act == "disconnect") {
    result.kind = disconnect;
  } else {
    return bad("an unknown act");
  }
  return result;
}

Value to_value(const WorkerMessage& message) {
  using enum WorkerMessage::Kind;
  Value value;
  const auto begin = [&](std::string_view act) { value = start(cluster_command).set("act", act); };
  switch (message.kind) {
    case online:
      begin("online");
      break;
    case query_server:
      begin("queryServer");
      add_query(value, message.query);
      break;
    case listening:
      begin("listening");
      add_query(value, message.query);
      break;
    case close:
      begin("close");
      value.set("key", message.key);
      break;
    case exited_after_disconnect:
      begin("exitedAfterDisconnect");
      break;
    case answers:
      return answers_value(message);
    case load:
      return start(load_command).set("connections", message.connections).set("lag", message.lag);
    case pong:
      return start(pong_command).set("n", message.number);
    case drains:
      return start(drains_command).set("signalled", message.signalled);
  }
  if (message.seq) value.set("seq", *message.seq);
  return value;
}

Value listening_reply(std::string_view key, uint64_t ack, const Value& data,
                      const std::optional<Sockname>& sockname, uint64_t seq) {
  Value reply = start_reply(nullptr, key, ack, data);
  if (sockname) {
    Value name = Value::object();
    name.set("address", sockname->address);
    name.set("family", sockname->family);
    name.set("port", sockname->port);
    reply.set("sockname", std::move(name));
  }
  return reply.set("seq", seq);
}

Value shared_reply(std::string_view key, uint64_t ack, const Value& data, uint64_t seq) {
  return start_reply(0, key, ack, data).set("seq", seq);
}

Value failure_reply(int error, std::string_view key, uint64_t ack, const Value& data, uint64_t seq) {
  return start_reply(error, key, ack, data).set("seq", seq);
}

Value plain_reply(uint64_t ack, uint64_t seq) {
  return start(cluster_command).set("ack", ack).set("seq", seq);
}

Value new_connection(std::string_view key, uint64_t seq) {
  return start(cluster_command).set("act", "newconn").set("key", key).set("seq", seq);
}

Value disconnect_request(uint64_t seq) {
  return start(cluster_command).set("act", "disconnect").set("seq", seq);
}

Value drain_request(std::string_view signal, bool always) {
  return start(drain_command).set("signal", std::string(signal)).set("always", always);
}
Value ping(uint64_t number) { return start(ping_command).set("n", number); }

}  // namespace baton::wire
