// An encryption service made by npm soap from encrypt.wsdl, whose path is the
// only argument. It prints its port, and ends when its input does.
//
// "Encrypted" is base64 with a prefix, so that the test can tell what arrived.
// The phones "refused" and "broken" make it fail in the two ways that npm soap
// knows: with a fault, and with an exception.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import soap from "soap";

const encrypted = (value) => "npm:" + Buffer.from(value, "utf8").toString("base64");

function Encrypt({ phone, password }) {
  if (phone === "refused") {
    throw { Fault: { faultcode: "soap:Client", faultstring: "cannot encrypt " + password, detail: { password } } };
  }
  if (phone === "broken") {
    throw new Error("cannot encrypt " + password);
  }
  return { EncryptedPhone: encrypted(phone), EncryptedPassword: encrypted(password) };
}

const server = createServer((_, response) => response.writeHead(404).end());
server.listen(0, "127.0.0.1", () => {
  soap.listen(server, {
    path: "/",
    services: { EncryptionService: { EncryptionPort: { Encrypt } } },
    xml: readFileSync(process.argv[2], "utf8"),
    callback: (err) => {
      if (err) throw err;
      console.log(server.address().port);
    },
  });
});

process.stdin.on("end", () => process.exit(0)).resume();
