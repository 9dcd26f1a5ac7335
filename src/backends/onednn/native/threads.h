// How many threads the system lets this process have.
#pragma once

/**
 * How many threads, at most `wanted`, this process can start now. A limit on processes (`ulimit -u`, a container's) or
 * on memory may allow fewer, and OpenMP ends a process that asks for more threads than it can start.
 */
int startable_threads(int wanted);
