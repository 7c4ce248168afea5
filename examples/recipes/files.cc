// A service for files, on port 7002: POST and GET and DELETE /files/NAME, and GET /files for their names as
// JSON.

#include <csignal>
#include <filesystem>
#include <fstream>

#include "baton/baton.h"

namespace fs = std::filesystem;
using baton::http::Refusal, baton::http::Request, baton::http::Response, baton::web::PathParameters;

const fs::path folder = "files";

fs::path path_of(const PathParameters& path) {
  const std::string& name = path["name"];
  if (name.starts_with('.') || name.find_first_of(std::string_view("/\0", 2)) != name.npos)
    throw Refusal(400, "no such name");
  return folder / name;
}

baton::Task<> upload(Request& request, Response& response, PathParameters path) {
  static int uploads = 0;
  const fs::path target = path_of(path);
  const fs::path part = folder / ("." + std::to_string(++uploads));
  std::ofstream file(part, std::ios::binary);
  try {
    while (const auto piece = co_await request.next_data()) file << *piece;
    file.close();
    if (!file) throw Refusal(507, "cannot be written");
    fs::rename(part, target);
  } catch (...) {
    fs::remove(part);  // the client may have left
    throw;
  }
  response.status(201).end();
}

void download(Request& /*request*/, Response& response, const PathParameters& path) {
  response.header("content-type", "application/octet-stream");
  if (!response.end_file(path_of(path))) throw Refusal(404, "no such file");
}

void list(Request& /*request*/, Response& response) {
  auto names = baton::Value::array();
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with('.')) names.push_back(name);
  }
  baton::web::send_json(response, names);
}

void erase(Request& /*request*/, Response& response, const PathParameters& path) {
  std::error_code error;
  if (!fs::remove(path_of(path), error)) throw Refusal(404, "no such file");
  response.status(204).end();
}

baton::Task<> files(baton::Process& self) {
  fs::create_directory(folder);
  baton::web::Router router;
  router.get("/files", list)
      .get("/files/:name", download)
      .post("/files/:name", upload)
      .del("/files/:name", erase);
  const auto server = baton::http::serve(baton::net::listen(self.loop(), 7002), router);
  co_await baton::next_signal(self.loop(), SIGTERM, SIGINT);
}

int main(int argc, char** argv) { return baton::run(argc, argv, {{"files", files}}); }
