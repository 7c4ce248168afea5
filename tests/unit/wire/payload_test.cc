#include "baton/wire/payload.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <sstream>

#include "baton/wire/json.h"

// Not in Baton's own namespace: a user's structs are not there either.
namespace workshop {

enum class Colour : std::uint8_t { red, green, blue };
BATON_NAMES(Colour, red, green)

struct Size {
  std::uint16_t width = 0;
  std::int8_t depth = 0;
};
BATON_FIELDS(Size, width, depth)

struct Job {
  int id = 0;
  std::string path;
  bool urgent = false;
  double share = 0;
  std::optional<Size> size;
  std::vector<std::string> tags;
  std::map<std::string, std::vector<Size>> pages;
  Colour colour = Colour::red;
  baton::Value extra;
};
BATON_FIELDS(Job, id, path, urgent, share, size, tags, pages, colour, extra)

struct Renamed {
  unsigned long long most = 0;
};
constexpr auto baton_fields(std::type_identity<Renamed>) {
  return std::tuple(baton::Field("max-size", &Renamed::most));
}
constexpr std::string_view baton_name(std::type_identity<Renamed>) { return "Renamed"; }

struct Ping {};
BATON_FIELDS(Ping)

struct Wide {
  int a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, c0, c1, c2, c3, c4, c5;
};
BATON_FIELDS(Wide, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, c0, c1, c2,
             c3, c4, c5)

struct Tree {
  std::string name;
  std::vector<Tree> children;
};
BATON_FIELDS(Tree, name, children)

// What reading `json` as a T says is wrong with it.
template <class T>
std::string complaint(std::string_view json) {
  const auto result = baton::from_value<T>(baton::wire::read_json(json).value());
  if (result) return "nothing";
  EXPECT_EQ(result.error().code(), baton::Errc::wrong_value);
  return result.error().what();
}

TEST(Payload, IsWrittenAsAnObjectInTheOrderOfItsFields) {
  Job job;
  job.id = 7;
  job.path = "a.png";
  job.share = 0.5;
  job.size = Size{640, -2};
  job.tags = {"x", "y"};
  job.pages["one"] = {Size{1, 2}};
  job.colour = Colour::green;
  job.extra = baton::Value::array({1, nullptr});
  EXPECT_EQ(baton::to_json(job),
            R"({"id":7,"path":"a.png","urgent":false,"share":0.5,"size":{"width":640,"depth":-2},)"
            R"("tags":["x","y"],"pages":{"one":[{"width":1,"depth":2}]},"colour":"green","extra":[1,null]})");
}

TEST(Payload, ComesBackAsItWas) {
  Job job;
  job.id = std::numeric_limits<int>::min();
  job.urgent = true;
  job.size = Size{65535, -128};
  job.pages["p"] = {};
  job.colour = Colour::green;
  job.extra = "anything";
  const auto back = baton::from_value<Job>(job);
  ASSERT_TRUE(back) << back.error().what();
  EXPECT_EQ(baton::Value(*back), baton::Value(job));
  EXPECT_EQ(back->size->width, 65535);
}

TEST(Payload, LeavesOutWhatIsEmpty) {
  const Job job;
  EXPECT_EQ(baton::Value(job).find("size"), nullptr);
  EXPECT_EQ(baton::Value(job).find("extra"), nullptr);
}

TEST(Payload, TakesAnOptionalThatIsAbsentOrNullForEmptyAndIgnoresMembersItDoesNotKnow) {
  baton::Value value = Job();
  value.set("size", nullptr).set("novelty", 1);
  const auto job = baton::from_value<Job>(value);
  ASSERT_TRUE(job) << job.error().what();
  EXPECT_FALSE(job->size);
}

TEST(Payload, NamesTheMemberThatDoesNotFit) {
  EXPECT_EQ(complaint<Size>(R"({"width":1})"), "read Size: depth is missing: the value does not fit");
  EXPECT_EQ(complaint<Size>(R"({"width":"wide","depth":0})"),
            "read Size: width is \"wide\", not an unsigned 16-bit integer: the value does not fit");
  EXPECT_EQ(complaint<Size>("[1]"),
            "read Size: the message is an array, not an object: the value does not fit");
  EXPECT_EQ(
      complaint<Tree>(R"({"name":"a","children":[{"name":"b","children":[]},{"name":null,"children":[]}]})"),
      "read Tree: children[1].name is null, not a string: the value does not fit");
  EXPECT_EQ(complaint<Tree>(R"({"name":"0123456789012345678901234567890123456789!","children":1})"),
            "read Tree: children is 1, not an array: the value does not fit");
  EXPECT_EQ(complaint<Ping>(R"("0123456789012345678901234567890123456789!")"),
            "read Ping: the message is a string, not an object: the value does not fit");
}

TEST(Payload, IsReadFromAJsonText) {
  const auto size = baton::from_json<Size>(R"({"width":3,"depth":4})");
  ASSERT_TRUE(size) << size.error().what();
  EXPECT_EQ(size->width, 3);
  EXPECT_STREQ(baton::from_json<Size>("{}").error().what(),
               "read Size: width is missing: the value does not fit");
  const auto no_json = baton::from_json<Size>("{");
  ASSERT_FALSE(no_json);
  EXPECT_NE(no_json.error().code(), baton::Errc::wrong_value) << no_json.error().what();
}

TEST(Payload, MayBeWhateverMayBeAMemberOfOne) {
  EXPECT_EQ(baton::from_value<int>(5).value(), 5);
  EXPECT_EQ(baton::from_value<std::string>("text").value(), "text");
  EXPECT_EQ(baton::from_value<Colour>("green").value(), Colour::green);
  EXPECT_EQ(baton::from_value<std::vector<int>>(baton::Value::array({1, 2})).value(),
            (std::vector<int>{1, 2}));
  EXPECT_FALSE(baton::from_value<std::optional<int>>(nullptr).value());
  EXPECT_EQ(complaint<int>("\"five\""),
            "read a message: the message is \"five\", not a 32-bit integer: the value does not fit");
  EXPECT_EQ(complaint<std::vector<Size>>(R"([{"width":1,"depth":2},{"width":1}])"),
            "read a message: [1].depth is missing: the value does not fit");
  EXPECT_EQ(complaint<Colour>("7"),
            "read Colour: the message is 7, not one of red, green: the value does not fit");
}

TEST(Payload, NamesThePlaceInsideMapsAndArrays) {
  baton::Value value = Job();
  value.set("pages",
            baton::wire::read_json(R"({"one":[{"width":1,"depth":1},{"width":1,"depth":1.5}]})").value());
  const auto job = baton::from_value<Job>(value);
  ASSERT_FALSE(job);
  EXPECT_STREQ(job.error().what(),
               "read Job: pages.one[1].depth is 1.5, not an 8-bit integer: the value does not fit");
}

TEST(Payload, RefusesNumbersThatTheMemberCannotHold) {
  EXPECT_EQ(complaint<Size>(R"({"width":65535,"depth":-128})"), "nothing");
  EXPECT_EQ(complaint<Size>(R"({"width":65536,"depth":0})"),
            "read Size: width is 65536, not an unsigned 16-bit integer: the value does not fit");
  EXPECT_EQ(complaint<Size>(R"({"width":0,"depth":-129})"),
            "read Size: depth is -129, not an 8-bit integer: the value does not fit");
  EXPECT_EQ(complaint<Renamed>(R"({"max-size":-1})"),
            "read Renamed: max-size is -1, not an unsigned integer: the value does not fit");
}

TEST(Payload, RefusesNamesThatTheEnumerationDoesNotHave) {
  baton::Value value = Job();
  value.set("colour", "pink");
  const auto job = baton::from_value<Job>(value);
  ASSERT_FALSE(job);
  EXPECT_STREQ(job.error().what(),
               "read Job: colour is \"pink\", not one of red, green: the value does not fit");
}

TEST(Payload, ThrowsForAnEnumeratorWithoutAName) {
  Job job;
  job.colour = Colour::blue;
  EXPECT_THROW((void)baton::Value(job), std::logic_error);
}

TEST(Payload, TakesKeysThatAreNoNamesOfCpp) {
  EXPECT_EQ(baton::to_json(Renamed{9}), R"({"max-size":9})");
  EXPECT_EQ(baton::from_value<Renamed>(Renamed{9})->most, 9U);
}

TEST(Payload, MayHaveNoFieldsOrMany) {
  EXPECT_EQ(baton::to_json(Ping()), "{}");
  Wide wide{};
  wide.c5 = 26;
  EXPECT_EQ(baton::Value(wide).size(), 26U);
  EXPECT_EQ(baton::from_value<Wide>(wide)->c5, 26);
}

TEST(Payload, MayContainItself) {
  const Tree tree{"root", {Tree{"leaf", {}}}};
  const auto back = baton::from_value<Tree>(tree);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->children.at(0).name, "leaf");
}

}  // namespace workshop
