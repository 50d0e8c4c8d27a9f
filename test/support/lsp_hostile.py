"""What no editor sends: after each message the language server must still answer.

usage: lsp_hostile.py SERVER
"""
import json
import random
import subprocess
import sys

URI = "file:///nowhere/a.tin"
TEXT = "config a = 1\nblock B(n: int) {\n  param w: [n] = 0\n  fn (x: [..., n]) -> [..., n] { return x * w }\n}\nmodel M {\n  b: B(a)\n  fn f(x: [T, a]) -> [T, a] { return b(x) }\n}\n"


class Session:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.count = 0

    def raw(self, data, header=None):
        try:
            self.process.stdin.write((b"Content-Length: %d\r\n\r\n" % len(data) if header is None else header) + data)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def send(self, **message):
        self.raw(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def receive(self):
        length = 0
        while line := self.process.stdout.readline().strip():
            length = int(line.split(b":")[1])
        if not length:
            sys.exit(f"the server has ended: {self.process.wait()}")
        return json.loads(self.process.stdout.read(length))

    def request(self, method, params):
        self.count += 1
        self.send(id=self.count, method=method, params=params)
        while True:
            answer = self.receive()
            if answer.get("id") == self.count:
                return answer

    def alive(self):
        answer = self.request("textDocument/hover", {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 8}})
        assert "a = 1" in answer["result"]["contents"]["value"], answer


def open_session(command):
    s = Session(command)
    print("before initialize:", s.request("textDocument/hover", {})["error"]["message"])
    s.request("initialize", {"capabilities": {}})
    s.send(method="textDocument/didOpen", params={"textDocument": {"uri": URI, "languageId": "tintype", "version": 1, "text": TEXT}})
    s.alive()
    return s


def main():
    s = open_session(sys.argv[1:])
    bodies = [b"", b"{", b"[]", b"null", b"3", b'"x"', b"{}", b'{"id": {}}', b'{"id": 1}', b'{"id": 1, "method": 3}', b"\xff\xfe", b"[" * 100000,
              b'{"a":' * 100000, b'[{"id": 5, "method": "x"}, 7, []]', b'{"method": "textDocument/didOpen", "params": {"textDocument": "\xff"}}',
              b'{"id": 1, "method": "textDocument/hover", "params": []}', b'{"id": 1, "result": {}}', b'{"id": null, "method": "shutdown"}']
    for body in bodies:
        s.raw(body)
        s.alive()
    print(len(bodies), "bodies")
    doc = {"uri": URI}
    values = [None, -1, 1 << 62, 1e300, 0.5, "x", [], {}, [[]], True, 0, 7, {"line": -1, "character": 0}, {"line": 1 << 40, "character": 1 << 40},
              {"line": 1, "character": 1 << 62}, {"start": {"line": 3, "character": 9}, "end": {"line": 0, "character": 0}}, doc, "b" * 1000, "\u0000", URI]
    methods = ["hover", "definition", "references", "documentHighlight", "documentSymbol", "formatting", "codeAction", "prepareRename", "rename",
               "completion", "signatureHelp", "didChange", "didOpen", "didClose", "didSave", "nothing"]
    random.seed(1)
    count = 0
    for method in methods:
        for _ in range(30):
            params = {"textDocument": random.choice([doc, doc, {"uri": random.choice(values)}, random.choice(values)]),
                      "position": random.choice(values), "newName": random.choice(values), "context": random.choice(values),
                      "contentChanges": [{"range": random.choice(values), "text": random.choice(values)} for _ in range(2)]}
            if method in ("didClose", "didOpen") and params["textDocument"] == doc:
                continue
            if method == "didChange":
                params["textDocument"] = {"uri": "file:///nowhere/b.tin"}
            s.request(f"textDocument/{method}", params)
            s.send(method=f"textDocument/{method}", params=params)
            count += 1
        s.alive()
    print(count, "requests")
    # Every place of a text that is broken in every way: cut at each byte, brackets left open.
    count = 0
    for text in [TEXT[:i] for i in range(0, len(TEXT), 7)] + [TEXT.replace(c, "") for c in "(){}[]:=,\n"] + ["(" * 5000, "block B {\n" * 5000, "a" * 100000,
                 "fn f(x: [T]) -> [T] { return " + "-" * 100000 + "x }", "import a.b.c.d\n" * 1000, "\r", "\ufeff" + TEXT, "#" * 100 + "\U0001d54f", '"', "model M { h[65537]: M }",
                 "model M { fn f(x: [T]) -> [T] { for i in 0 .. 60000 { for j in 0 .. 60000 { x = x + 1 } }\n return x } }"]:
        s.send(method="textDocument/didChange", params={"textDocument": {"uri": URI}, "contentChanges": [{"text": text}]})
        for method in ("completion", "hover", "signatureHelp", "definition", "documentSymbol", "formatting", "references"):
            place = {"line": text.count("\n"), "character": random.randrange(200)}
            answer = s.request(f"textDocument/{method}", {"textDocument": doc, "position": place})
            assert "result" in answer or answer["error"]["code"] == -32803, answer
        count += 1
    s.send(method="textDocument/didChange", params={"textDocument": {"uri": URI}, "contentChanges": [{"text": TEXT}]})
    s.alive()
    print(count, "broken texts")
    print("unknown method:", s.request("workspace/nothing", {})["error"]["code"])
    s.request("shutdown", None)
    print("after shutdown:", s.request("textDocument/hover", {})["error"]["message"])
    s.send(method="exit")
    print("exit:", s.process.wait())
    for header in (b"Content-Length: 99999999999999999999\r\n\r\n", b"Content-Length: 9999999999\r\n\r\n", b"Content-Length: -1\r\n\r\n", b"x" * 100000, b"Content-Length: 100\r\n\r\n{"):
        s = Session(sys.argv[1:])
        s.raw(b"", header)
        s.process.stdin.close()
        print("header:", s.process.wait())


main()
