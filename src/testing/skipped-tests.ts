import { appendFileSync } from 'node:fs';
import type { Reporter, TestModule, Vitest } from 'vitest/node';

/**
 * Prints which tests were skipped, and appends them to the file that CLR_SKIPPED names. Under CLR_REQUIRE each is a
 * failure, unless its name says that it needs a real GPU, or the tensorflow backend if that is not required.
 */
export class SkippedTests implements Reporter {
  private filtered = false;

  onInit({ config }: Vitest): void {
    this.filtered = config.testNamePattern !== undefined; // what the pattern leaves out counts as skipped, too
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (this.filtered) return;
    const tests = modules.flatMap((module) => [...module.children.allTests('skipped')]);
    const names = tests.map((test) => `${test.module.relativeModuleId}: ${test.fullName}`);
    console.log([`${names.length} tests skipped`, ...names].join('\n  '));
    if (process.env.CLR_SKIPPED) appendFileSync(process.env.CLR_SKIPPED, names.map((name) => `${name}\n`).join(''));
    const required = process.env.CLR_REQUIRE;
    const excused = required?.includes('tensorflow') ? /real GPU/ : /real GPU|tensorflow/; // that backend is set up on request
    const forbidden = names.filter((name) => !excused.test(name));
    if (!required || forbidden.length === 0) return;
    console.error(`with CLR_REQUIRE these must not be skipped:\n  ${forbidden.join('\n  ')}`);
    process.exitCode = 1;
  }
}
