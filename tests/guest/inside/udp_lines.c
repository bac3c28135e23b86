/* SPDX-License-Identifier: ISC
 *
 * Prints each UDP datagram that comes to the port, as it is: the senders write lines.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int channel = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in name = {.sin_family = AF_INET};
    char datagram[2048];
    ssize_t got_bytes;

    if (argc != 2)
        return 1;
    name.sin_port = htons((uint16_t)atoi(argv[1]));
    if (bind(channel, (struct sockaddr *)&name, sizeof name) != 0)
        return 1;
    while ((got_bytes = recv(channel, datagram, sizeof datagram, 0)) >= 0) {
        if (write(STDOUT_FILENO, datagram, (size_t)got_bytes) != got_bytes)
            return 1;
    }
    return 1;
}
