#include "cli/preload.h"

#include <unistd.h>

#include "baton/wire/json.h"
#include "cli/warden.h"

namespace baton::cli {
namespace {

constexpr const char* module_variable = "BATON_PRELOAD";

std::string called_with(std::string_view module_text, const Value& settings) {
  return "(function (require, module) {\n" + std::string(module_text) + "\nmodule.exports(" +
         to_json(settings) + ");\n})";
}

}  // namespace

std::string Preload::stub() {
  return std::string(Warden::mark) + " ends with `baton run` (pid " + std::to_string(::getpid()) +
         "), and with it its workers; those of Node begin here */ if (process.env." + module_variable +
         ") require('vm').runInThisContext(process.env." + module_variable +
         // What follows in a command line is a NUL byte.
         ", 'baton-preload.cjs')(require, module);//";
}

void Preload::give_to(SpawnOptions& worker, const std::string& file) const {
  const std::string option = "--require=" + file;
  const Environment environment = worker.environment();
  const std::string own(environment.get("NODE_OPTIONS").value_or(""));
  const Value settings = Value::object().set("option", option).set("grace", grace_.count());
  worker.add_env("NODE_OPTIONS", own.empty() ? option : own + " " + option)
      .add_env(module_variable, called_with(preload_text(), settings));
}

void Preload::make_primary(ForkOptions& program, const std::string& file) {
  const std::string option = "--require=" + file;
  std::vector<std::string> arguments = program.exec_args();
  arguments.insert(arguments.begin(), option);
  SpawnOptions spawn = program.spawn();
  spawn.add_env(module_variable, called_with(primary_text(), Value::object().set("option", option)));
  program.exec_args(std::move(arguments)).spawn(std::move(spawn));
}

}  // namespace baton::cli
