/* SPDX-License-Identifier: MIT */
/* Switching the echo of the terminal off and on. */
#include "installer/common/echo.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

/* A handler can read only globals. */
static struct termios before;
static volatile sig_atomic_t is_off;

void echo_off(void)
{
	struct termios silent;

	/* To set a terminal from the background stops the program. */
	if (is_off || tcgetpgrp(STDIN_FILENO) != getpgrp() ||
	    tcgetattr(STDIN_FILENO, &before) < 0 || !(before.c_lflag & ECHO))
		return;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	is_off = tcsetattr(STDIN_FILENO, TCSADRAIN, &silent) == 0;
}

bool echo_is_off(void)
{
	return is_off;
}

void echo_restore(void)
{
	if (is_off)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	is_off = 0;
}
