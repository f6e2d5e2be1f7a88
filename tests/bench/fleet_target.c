/* Copyright: (c) 2026, the netops.listen_queue authors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stands in for the target's Python, so that only the controller's cost is left: takes the module from standard input (pipelining)
 * without looking at it, prints the file PROGRAM.json, and adds one byte to PROGRAM.runs so that the runs can be counted.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static char block[65536];

static int copy(int from, int to)
{
	ssize_t got, put, done;

	while ((got = read(from, block, sizeof(block))) > 0)
		for (done = 0; to >= 0 && done < got; done += put)
			if ((put = write(to, block + done, got - done)) <= 0)
				return 1;
	return got < 0;
}

int main(int count, char **arguments)
{
	char name[4096];
	int answer, runs;

	if (count < 2)
		copy(STDIN_FILENO, -1);
	snprintf(name, sizeof(name), "%s.runs", arguments[0]);
	runs = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (runs < 0 || write(runs, "+", 1) != 1)
		return 1;
	snprintf(name, sizeof(name), "%s.json", arguments[0]);
	answer = open(name, O_RDONLY);
	return answer < 0 || copy(answer, STDOUT_FILENO);
}
