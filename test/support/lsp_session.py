"""Talks to a language server for `.mlir`: opens a good and a bad file, asks for a definition and a hover."""
import json
import subprocess
import sys

GOOD = """func.func @f(%x: tensor<12xf32>) -> tensor<12xf32> {
  // the definition
  %y = graph.reshape %x : tensor<12xf32> to tensor<3x4xf32>
  %z = graph.reshape %y : tensor<3x4xf32> to tensor<12xf32>
  return %z : tensor<12xf32>
}
"""
BAD = """func.func @f(%x: tensor<12xf32>) {
  %y = graph.reshape %x : tensor<12xf32> to tensor<3x5xf32>
  return
}
"""


class Session:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.count = 0
        self.published = {}

    def send(self, method, params, is_request):
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if is_request:
            self.count += 1
            message["id"] = self.count
        text = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(text) + text)
        self.process.stdin.flush()

    def receive(self):
        length = 0
        while line := self.process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return json.loads(self.process.stdout.read(length))

    def request(self, method, params):
        self.send(method, params, True)
        while True:
            answer = self.receive()
            if answer.get("method") == "textDocument/publishDiagnostics":
                self.published[answer["params"]["uri"]] = answer["params"]["diagnostics"]
            if answer.get("id") == self.count and "method" not in answer:
                return answer.get("result")

    def open(self, name, text):
        """The diagnostics of a file that the editor has opened."""
        uri = f"test:///{name}"
        self.send("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "mlir", "version": 1,
                                                            "text": text}}, False)
        while uri not in self.published:
            answer = self.receive()
            if answer.get("method") == "textDocument/publishDiagnostics":
                self.published[answer["params"]["uri"]] = answer["params"]["diagnostics"]
        return self.published[uri]


def main():
    session = Session(sys.argv[1:])
    capabilities = session.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})["capabilities"]
    print("initialize:", *(name for name in ("definitionProvider", "hoverProvider") if capabilities.get(name)))
    session.send("initialized", {}, False)
    print("good.mlir:", len(session.open("good.mlir", GOOD)), "diagnostics")
    for found in session.open("bad.mlir", BAD):
        start = found["range"]["start"]
        print(f"bad.mlir: {start['line']}:{start['character']} {found['message'].split(' op ')[-1]}")
    use = {"textDocument": {"uri": "test:///good.mlir"}, "position": {"line": 3, "character": 22}}
    definition = session.request("textDocument/definition", use)
    print("definition of %y: line", definition[0]["range"]["start"]["line"])
    use["position"] = {"line": 2, "character": 10}
    hover = session.request("textDocument/hover", use)["contents"]["value"]
    print("hover:", "graph.reshape" if "graph.reshape" in hover else hover)
    session.request("shutdown", None)
    session.send("exit", None, False)
    print("exit:", session.process.wait())


main()
