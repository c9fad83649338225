/* What the C programs of the tests have in common: a check that tells what failed, and a request over a socket. */
#ifndef EXPECT_H
#define EXPECT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tachograph.h"

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            TachographStr why = tachograph_last_error();                                                               \
            fprintf(stderr, "%s:%d: not so: %s; last error: %.*s\n", __FILE__, __LINE__, #condition, (int)why.len,     \
                    why.len ? why.data : "");                                                                          \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The body as a string of C, to be freed; the body itself is freed here. */
static inline char *text_of(TachographBody *body) {
    EXPECT(body != NULL);
    size_t len = tachograph_body_len(body);
    char *text = malloc(len + 1);
    EXPECT(text != NULL);
    memcpy(text, tachograph_body_data(body), len);
    text[len] = '\0';
    tachograph_body_free(body);
    return text;
}

static inline int connected(uint16_t port) {
    int client = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(client >= 0);
    struct timeval patience = {.tv_sec = 60, .tv_usec = 0};
    EXPECT(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
    return client;
}

/* What the exporter answers to a GET, head and all, to be freed. `headers` are lines that end in CRLF. */
static inline char *fetched(uint16_t port, const char *path, const char *headers) {
    int client = connected(port);
    char request[512];
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", path, headers);
    EXPECT(len > 0 && (size_t)len < sizeof request && send(client, request, (size_t)len, 0) == len);
    size_t room = 1 << 20, filled = 0;
    char *answer = malloc(room);
    EXPECT(answer != NULL);
    for (ssize_t got; (got = recv(client, answer + filled, room - 1 - filled, 0)) != 0;) {
        EXPECT(got > 0 && (filled += (size_t)got) < room - 1);
    }
    answer[filled] = '\0';
    close(client);
    return answer;
}

#endif
