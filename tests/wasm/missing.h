/* SPDX-License-Identifier: Apache-2.0
 *
 * Files and folders under a new name, which the tests make and wasi-libc has not. Included before all else.
 */
#ifndef LN_TESTS_MISSING_H
#define LN_TESTS_MISSING_H

int mkstemp(char *name);
char *mkdtemp(char *name);

#endif
