#include "cli/run_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>

#include "base/nearest.h"
#include "baton/cluster/policy.h"
#include "cli/units.h"

namespace baton::cli {
namespace {

constexpr unsigned most_restarts = 1'000'000;
constexpr std::chrono::milliseconds least_hang_timeout{30};
constexpr std::uint64_t least_max_memory = std::uint64_t{1} << 20;
// Of the drain delay and the kill timeout together, if the latter is not given; and that one's at least.
constexpr std::chrono::milliseconds whole_end{8000};
constexpr std::chrono::milliseconds least_kill_timeout{2000};

using Words = std::vector<std::string>;
using supervisor::Reload;
using supervisor::Restart;

bool says_on_channel(supervisor::Ready what) {
  return what == supervisor::Ready::listening || what == supervisor::Ready::message;
}

// How a text becomes part of the options: an error is what is wrong with it.
using Setter = std::function<Parsed<void>(const std::string&)>;

template <class T, class Target>
Setter into(Target& target, Parsed<T> (*parse)(std::string_view)) {
  return [&target, parse](const std::string& text) -> Parsed<void> {
    auto value = parse(text);
    if (!value) return std::unexpected(std::move(value).error());
    target = *std::move(value);
    return {};
  };
}
// One of a few words.
template <class T>
Setter one_of(T& target, std::vector<std::pair<std::string_view, T>> words) {
  return [&target, words = std::move(words)](const std::string& text) -> Parsed<void> {
    std::string all;
    for (const auto& [word, value] : words) {
      if (text == word) return target = value, Parsed<void>();
      all += (all.empty() ? "" : ", ") + std::string(word);
    }
    return std::unexpected("'" + text + "' is none of " + all);
  };
}
Setter into(std::string& target) {
  return [&target](const std::string& text) -> Parsed<void> {
    target = text;
    return {};
  };
}

// The first failure, in the order of the command line, is the one that is told.
void apply(const std::string& name, const Setter& set, const Words& texts) {
  for (const std::string& text : texts) {
    if (const auto result = set(text); !result) throw UsageError(name + ": " + result.error());
  }
}

class Parser {
 public:
  Parser() {
    app_.set_help_flag();
    app_.prefix_command();
    app_.add_flag("-h,--help", help_);
    where_and_how_many();
    starting_and_stopping();
    when_things_go_wrong();
    around_the_program();
  }

  std::optional<RunOptions> parse(Words arguments) {
    std::ranges::reverse(arguments);  // as CLI11 takes them
    try {
      app_.parse(arguments);
    } catch (const CLI::ArgumentMismatch& error) {
      // It begins with the name.
      const std::string text = error.what();
      throw UsageError(text.substr(0, text.find(':')) + ": its value is missing");
    } catch (const CLI::ParseError& error) {
      throw UsageError(one_line(error.what()));
    }
    if (help_) return std::nullopt;
    take_program();
    // On it, it would be said.
    if (says_on_channel(options_.ready.what)) {
      if (options_.channel == false) throw UsageError("--channel: what --ready names is said on the channel");
      options_.channel = true;
    }
    options_.kill_timeout =
        kill_timeout_.value_or(std::max(whole_end - options_.drain_delay, least_kill_timeout));
    // Those of --env win over those of a file, wherever they stand.
    options_.variables.insert(options_.variables.end(), own_variables_.begin(), own_variables_.end());
    return options_;
  }

  [[nodiscard]] Words names() const {
    Words names;
    for (const CLI::Option* option : app_.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
  }

 private:
  void add(const std::string& names, const Setter& set) {
    const std::string name = names.substr(names.rfind(',') + 1);
    app_.add_option_function<std::string>(names,
                                          [name, set](const std::string& text) { apply(name, set, {text}); })
        ->take_last();
  }
  void add_many(const std::string& names, const Setter& set) {
    app_.add_option_function<Words>(names, [names, set](const Words& texts) { apply(names, set, texts); })
        ->allow_extra_args(false);
  }

  void where_and_how_many();
  void starting_and_stopping();
  void when_things_go_wrong();
  void around_the_program();

  void take_program() {
    options_.program = app_.remaining();
    Words& words = options_.program;
    const bool marked = !words.empty() && words.front() == "--";
    if (marked) words.erase(words.begin());
    if (words.empty() || words.front().empty()) throw UsageError("a PROGRAM to run is missing");
    if (!marked && words.front().size() > 1 && words.front().starts_with('-')) {
      const std::string name = words.front().substr(0, words.front().find('='));
      const std::string meant = nearest(name, names());
      throw UsageError("there is no option " + name + (meant.empty() ? "" : ": did you mean " + meant + "?"));
    }
    if (!marked) look_behind_program();
  }
  // Options behind the program are the program's, which is easily forgotten.
  void look_behind_program() {
    const Words& words = options_.program;
    for (std::size_t i = 1; i + 1 < words.size(); ++i) {
      const bool named = words[i] == "-i" || words[i] == "--instances";
      if (!named || !parse_workers(words[i + 1])) continue;
      options_.hint = words[i] + " " + words[i + 1] + " behind " + words.front() +
                      " is that program's own: `baton run " + words[i] + " " + words[i + 1] + " " +
                      words.front() + "` makes as many workers";
    }
  }
  static std::string one_line(std::string text) {
    std::ranges::replace(text, '\n', ' ');
    return text;
  }

  CLI::App app_;
  RunOptions options_;
  Variables own_variables_;
  std::optional<RunOptions::Time> kill_timeout_;
  bool help_ = false;
};

void Parser::where_and_how_many() {
  add("-i,--instances", into(options_.workers, parse_workers));
  add("--policy", [this](const std::string& text) -> Parsed<void> {
    const auto policy = cluster::Policy::parse(text);
    if (!policy) {
      return std::unexpected("'" + text +
                             "' is none of round-robin, shared, reuse-port, least-loaded, sticky, "
                             "sticky:cookie=NAME, sticky:header=NAME");
    }
    options_.policy = *policy;
    return {};
  });
  add_many("--listen", [this](const std::string& text) -> Parsed<void> {
    auto address = parse_listen(text);
    if (!address) return std::unexpected(std::move(address).error());
    options_.listen.push_back(*std::move(address));
    return {};
  });
  add_many("--allow-listen", [this](const std::string& text) -> Parsed<void> {
    try {
      options_.allow_listen.emplace_back(text);
      return {};
    } catch (const std::invalid_argument& error) {
      return std::unexpected(error.what());
    }
  });
  add("--admin", into(options_.admin, parse_address));
}

void Parser::starting_and_stopping() {
  add("--ready", into(options_.ready, parse_ready));
  add("--reload", one_of(options_.reload, {{"auto", Reload::automatic},
                                           {"overlap", Reload::overlap},
                                           {"stop-first", Reload::stop_first}}));
  add("--grace", into(options_.grace, parse_duration));
  add("--listen-timeout", into(options_.listen_timeout, parse_duration));
  add("--kill-timeout", into(kill_timeout_, parse_duration));
  add("--drain-delay", into(options_.drain_delay, parse_duration));
  add("--stop-signal", [this](const std::string& text) -> Parsed<void> {
    if (text == "none") return options_.stop_signal.reset(), Parsed<void>();
    return into(options_.stop_signal, parse_signal)(text);
  });
}

void Parser::when_things_go_wrong() {
  add("--restart",
      one_of(options_.restart,
             {{"always", Restart::always}, {"on-failure", Restart::on_failure}, {"never", Restart::never}}));
  add("--min-uptime", into(options_.min_uptime, parse_duration));
  add("--backoff", into(options_.backoff, parse_backoff));
  add("--max-restarts", [this](const std::string& text) -> Parsed<void> {
    const auto count = parse_count(text, 0, most_restarts);
    if (!count) return std::unexpected(count.error());
    options_.max_restarts = *count;
    return {};
  });
  add("--hang-timeout", [this](const std::string& text) -> Parsed<void> {
    if (text == "off") return options_.hang_timeout.reset(), Parsed<void>();
    const auto time = parse_duration(text);
    if (!time) return std::unexpected(time.error());
    if (*time == std::chrono::milliseconds(0)) return options_.hang_timeout.reset(), Parsed<void>();
    if (*time < least_hang_timeout) return std::unexpected("'" + text + "' is under 30ms");
    options_.hang_timeout = *time;
    return {};
  });
  add("--max-memory", [this](const std::string& text) -> Parsed<void> {
    if (text == "off") return options_.max_memory.reset(), Parsed<void>();
    const auto size = parse_size(text);
    if (!size) return std::unexpected(size.error());
    // No program does with less, and each would be replaced again and again.
    if (*size < least_max_memory) return std::unexpected("'" + text + "' is under 1M");
    options_.max_memory = *size;
    return {};
  });
}

void Parser::around_the_program() {
  add("--orphans", [this](const std::string& text) -> Parsed<void> {
    if (text != "end" && text != "keep") return std::unexpected("'" + text + "' is neither end nor keep");
    options_.keep_orphans = text == "keep";
    return {};
  });
  add("--name", into(options_.name));
  add("--cwd", into(options_.cwd));
  add_many("--env", [this](const std::string& text) -> Parsed<void> {
    auto variable = parse_variable(text);
    if (!variable) return std::unexpected(std::move(variable).error());
    own_variables_.push_back(*std::move(variable));
    return {};
  });
  add_many("--env-file", [this](const std::string& path) -> Parsed<void> {
    const auto variables = read_env_file(path);
    if (!variables) return std::unexpected(variables.error());
    options_.variables.insert(options_.variables.end(), variables->begin(), variables->end());
    return {};
  });
  add("--interpreter", into(options_.interpreter));
  add("--primary", into(options_.primary));
  add("--channel", one_of(options_.channel, {{"auto", std::nullopt}, {"yes", true}, {"no", false}}));
  add("--stdin", one_of(options_.stdin_pipe, {{"null", false}, {"pipe", true}}));
  app_.add_flag("--no-preload{false}", options_.preload);
  app_.add_flag("--json-logs", options_.json_logs);
}

}  // namespace

std::optional<RunOptions> parse_run(const std::vector<std::string>& arguments) {
  return Parser().parse(arguments);
}

std::vector<std::string> run_option_names() { return Parser().names(); }

}  // namespace baton::cli
