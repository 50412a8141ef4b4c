// JSON values, one a line, on standard input and output.
"use strict";

const readline = require("node:readline");

function say(value) {
  process.stdout.write(JSON.stringify(value) + "\n");
}

// onLine hands each line to the operation that it names, and ends the process
// at the end of the input or with the first failure.
function onLine(operations) {
  const lines = readline.createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const command = JSON.parse(line);
    Promise.resolve(operations[command.op](command)).catch((error) => {
      console.error(`${command.op}:`, error);
      process.exit(1);
    });
  });
  lines.on("close", () => process.exit(0));
}

module.exports = { say, onLine };
