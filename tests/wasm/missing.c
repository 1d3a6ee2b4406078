/* SPDX-License-Identifier: Apache-2.0
 *
 * The names end in XXXXXX, which letters of a random number replace until there is no such file; see missing.h.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void fill(char *name)
{
    unsigned char random[6];
    getentropy(random, sizeof random);
    for (size_t i = 0, n = strlen(name); i < sizeof random; i++)
        name[n - 1 - i] = (char)('a' + random[i] % 26);
}

int mkstemp(char *name)
{
    for (int tries = 0; tries < 100; tries++) {
        fill(name);
        int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd >= 0)
            return fd;
    }
    return -1;
}

char *mkdtemp(char *name)
{
    for (int tries = 0; tries < 100; tries++) {
        fill(name);
        if (mkdir(name, 0700) == 0)
            return name;
    }
    return NULL;
}
