/* The smallest front end: answers every request on the port of its first argument with who it runs as, says so on
   its output, and ends with 7 when it is asked for /end. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int one = 1, listening = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  setvbuf(stdout, NULL, _IONBF, 0);
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (argc != 2 || bind(listening, (struct sockaddr *)&address, sizeof address) || listen(listening, 16)) {
    perror("answer");
    return 1;
  }
  for (;;) {
    char request[4096] = "", answer[512];
    int client = accept(listening, NULL, NULL);
    if (client < 0 || read(client, request, sizeof request - 1) < 0) continue;
    snprintf(answer, sizeof answer, "HTTP/1.0 200 OK\r\n\r\nuser %d in %s", (int)getuid(), getenv("HOME") ? getenv("HOME") : "nowhere");
    if (write(client, answer, strlen(answer)) < 0) perror("answer");
    close(client);
    printf("answered %.*s\n", (int)strcspn(request, "\r\n"), request);
    if (strncmp(request, "GET /end ", 9) == 0) return 7;
  }
}
