// hold PORT N: the far ends of N connections to 127.0.0.1:PORT, held and never touched until standard input
// ends.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/measure.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  bench::raise_descriptor_limit();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(argv[1])));
  for (int left = std::atoi(argv[2]); left > 0; --left) {
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      bench::die("connect");
  }
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  return 0;
}
