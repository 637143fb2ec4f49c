#!/usr/bin/env node
// Standard JSON in, standard JSON out, through the compiler of npm: the second route beside forge.
// With --many, one request a line: the compiler starts once, and each answer is one line.
"use strict";
const fs = require("fs");
const readline = require("readline");
const compiler = require("solc");

if (process.argv[2] === "--version") {
  process.stdout.write(compiler.version() + "\n");
} else if (process.argv[2] === "--many") {
  readline.createInterface({ input: process.stdin }).on("line", (line) => {
    process.stdout.write(compiler.compile(line).replace(/\n/g, " ") + "\n");
  });
} else {
  process.stdout.write(compiler.compile(fs.readFileSync(0, "utf8")) + "\n");
}
