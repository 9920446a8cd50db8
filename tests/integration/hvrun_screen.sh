#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the guest paints is what the user sees: a boot sector shows text, 256 colours and a frame
# buffer, and the pictures from the monitor, by VNC and in a terminal are compared with ones
# that are painted here. Keys go in by QMP and by VNC. hvlab-timeout: 400
command -v python3 >/dev/null || { echo "no python3 here"; exit 77; }
[ -r /usr/share/seabios/vgabios-stdvga.bin ] || { echo "no vgabios here"; exit 77; }
export TERM=xterm LANG=C.UTF-8 LC_ALL=C.UTF-8
exec python3 - <<'END'
import atexit, glob, json, os, socket, struct, subprocess, sys, time, zlib

count = bad = 0
def check(good, what):
    global count, bad
    count += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)

def until(what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.2)
    return None

def connect(path):
    def attempt():
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(path)
            return s
        except OSError:
            s.close()
    s = until(attempt)
    s.settimeout(100)
    return s

class Qmp:
    def __init__(self, path):
        self.file = connect(path).makefile("rwb")
        self.read()
        self("qmp_capabilities")
    def read(self):
        return json.loads(self.file.readline())
    def __call__(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}).encode())
        self.file.flush()
        while True:
            reply = self.read()
            if "event" not in reply:
                return reply.get("return", reply)
    def key(self, name):
        return self("send-key", keys=[{"type": "qcode", "data": name}])

def read_png(path):
    """(width, height, bytes RGB) of a PNG with the filter "up" only."""
    data = open(path, "rb").read()
    width, height = struct.unpack(">II", data[16:24])
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if zlib.crc32(kind + body) != struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0]:
            return None
        if kind == b"IDAT":
            packed += body
        at += 12 + length
    rows = zlib.decompress(packed)
    out, above, stride = [], bytes(3 * width), 3 * width + 1
    for at in range(0, len(rows), stride):
        row = rows[at + 1:at + stride]
        if row.strip(b"\0"):
            above = bytes([(a + b) & 255 for a, b in zip(row, above)])
        out.append(above)
    return width, height, b"".join(out)

# ---- what should be seen ----

rom = open("/usr/share/seabios/vgabios-stdvga.bin", "rb").read()
letter_a = bytes([0, 0, 0x10, 0x38, 0x6c, 0xc6, 0xc6, 0xfe, 0xc6, 0xc6, 0xc6, 0xc6, 0, 0, 0, 0])
font = rom.index(letter_a) - 16 * ord("A")
ega = [(0, 0, 0), (0, 0, 170), (0, 170, 0), (0, 170, 170), (170, 0, 0), (170, 0, 170),
       (170, 85, 0), (170, 170, 170), (85, 85, 85), (85, 85, 255), (85, 255, 85), (85, 255, 255),
       (255, 85, 85), (255, 85, 255), (255, 255, 85), (255, 255, 255)]
sentence = "The quick brown fox jumps over the lazy dog"
cells = [(c, 0x1e) for c in sentence.encode()]
cells += [(0x20, 0x07)] * (80 - len(cells))
cells += [(c, c >> 1) for c in range(256)]
cells += [(0x20, 0x07)] * (80 * 25 - len(cells))

def interleave(red, green, blue):
    rgb = bytearray(3 * len(red))
    rgb[0::3], rgb[1::3], rgb[2::3] = red, green, blue
    return bytes(rgb)

def cell_line(code, attribute, line):
    dots = rom[font + 16 * code + line] << 1
    if 0xc0 <= code < 0xe0:
        dots |= dots >> 1 & 1
    return b"".join(bytes(ega[attribute & 15 if dots >> bit & 1 else attribute >> 4 & 7])
                    for bit in range(8, -1, -1))

def text_picture():
    known, rows = {}, []
    for y in range(400):
        for cell in cells[y // 16 * 80:y // 16 * 80 + 80]:
            key = (*cell, y % 16)
            if key not in known:
                known[key] = cell_line(*key)
            rows.append(known[key])
    return 720, 400, b"".join(rows)

window = [bytes((x // 2 ^ y) & 255 for x in range(640)) for y in range(200)]

def same_colours(picture):
    """320x200 shown as 640x400: the first line has all 256 colours, and tells which they are."""
    width, height, data = picture
    if (width, height) != (640, 400):
        return False
    colour = [tuple(data[6 * i:6 * i + 3]) for i in range(256)]
    tables = [bytes(c[part] for c in colour) for part in range(3)]
    wanted = b"".join(2 * interleave(*(row.translate(t) for t in tables)) for row in window)
    return colour[:16] == ega and len(set(colour)) > 200 and data == wanted

def true_picture():
    red = bytes((x ^ y) & 255 for y in range(480) for x in range(640))
    green = b"".join(bytes([y & 255]) * 640 for y in range(480))
    return 640, 480, interleave(red, green, 480 * bytes(x & 255 for x in range(640)))

# ---- a VNC viewer ----

class Viewer:
    def __init__(self, path, password=None):
        self.socket = connect(path)
        self.read(12)
        self.socket.sendall(b"RFB 003.008\n")
        self.types = self.read(self.read(1)[0])
        self.socket.sendall(b"\x01")
        if struct.unpack(">I", self.read(4))[0]:
            raise ConnectionError
        self.socket.sendall(b"\x01")
        self.width, self.height = struct.unpack(">HH", self.read(4))
        self.read(16)
        self.name = self.read(struct.unpack(">I", self.read(4))[0])
        # raw rectangles, and the size when it changes
        self.socket.sendall(struct.pack(">BxHii", 2, 2, 0, -223))
        self.pixels = bytearray(4 * self.width * self.height)
    def read(self, bytes_wanted):
        data = b""
        while len(data) < bytes_wanted:
            part = self.socket.recv(bytes_wanted - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data
    def rectangle(self):
        x, y, width, height, encoding = struct.unpack(">HHHHi", self.read(12))
        if encoding == -223:
            self.width, self.height = width, height
            self.pixels = bytearray(4 * width * height)
            return
        for row in range(y, y + height):
            at = 4 * (row * self.width + x)
            self.pixels[at:at + 4 * width] = self.read(4 * width)
    def update(self, incremental):
        self.socket.sendall(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))
        while True:
            kind = self.read(1)[0]
            if kind == 0:
                for _ in range(struct.unpack(">xH", self.read(3))[0]):
                    self.rectangle()
                return
            if kind == 3:
                self.read(struct.unpack(">xxxI", self.read(7))[0])
            elif kind != 2:
                raise ConnectionError
    def picture(self):
        p = self.pixels
        return self.width, self.height, interleave(p[2::4], p[1::4], p[0::4])
    def key(self, keysym):
        for down in (1, 0):
            self.socket.sendall(struct.pack(">BBxxI", 4, down, keysym))

# ---- the test ----

disk = bytearray(1 << 20)
image = open(os.environ["GUEST_DIR"] + "/screen.bin", "rb").read()
disk[:len(image)] = image
open("disk.img", "wb").write(disk)
arguments = ["-m", "64", "-drive", "file=disk.img,format=raw"]

def start(*words):
    process = subprocess.Popen([os.environ["HVRUN"], *arguments, *words,
                                "-qmp", "unix:qmp,server=on,wait=off"])
    atexit.register(process.kill)
    return process

def exits(process):
    """of all vCPUs of the VM of this process"""
    for vm in glob.glob("/sys/class/misc/myhv/vms/*"):
        if open(f"{vm}/pid").read().strip() == str(process.pid):
            return sum(int(open(p).read()) for p in glob.glob(f"{vm}/vcpus/*/exits"))
    return 0

def dump(qmp):
    qmp("screendump", filename="a.png")
    return read_png("a.png")

wanted = text_picture()
last_wanted = true_picture()
hvrun = start("-vnc", "unix:vnc")
qmp = Qmp("qmp")
check(until(lambda: dump(qmp) == wanted), "text: the picture is as expected")
viewer = Viewer("vnc")
check(viewer.types == b"\x01" and viewer.name == b"hvrun", "a VNC viewer is let in")
viewer.update(0)
check(viewer.picture() == wanted, "VNC shows the same text")

before = exits(hvrun)
qmp.key("spc")
check(until(lambda: same_colours(dump(qmp))), "a key by QMP; 256 colours are as expected")
# 32000 words are written; the BIOS sets the mode and the palette by ports
check(exits(hvrun) - before < 15000, f"that took {exits(hvrun) - before} exits, 15000 at most")
viewer.update(1)
while (viewer.width, viewer.height) != (640, 400):
    viewer.update(1)
last = dump(qmp)
for _ in range(20):
    if viewer.picture() == last:
        break
    viewer.update(0)
check(viewer.picture() == last, "VNC follows into another mode")

viewer.key(0x20)
wanted = last_wanted
end = time.monotonic() + 60
while viewer.picture() != wanted and time.monotonic() < end:
    viewer.update(1)
check(viewer.picture() == wanted, "a key by VNC; VNC sees what the guest writes by dirty pages")
check(until(lambda: dump(qmp) == wanted), "the frame buffer is as expected")
qmp("screendump", filename="a.ppm", format="ppm")
check(open("a.ppm", "rb").read() == b"P6\n640 480\n255\n" + wanted[2], "and so is the PPM file")
viewer.socket.close()
qmp.key("ret")
check(hvrun.wait(20) == 0, "the guest switches off")
check(not os.path.exists("vnc") and not os.path.exists("qmp"), "the sockets are gone")

# a password: nobody gets in without
hvrun = start("-vnc", "unix:vnc,password=on")
qmp = Qmp("qmp")
try:
    Viewer("vnc")
    refused = False
except ConnectionError:
    refused = True
check(refused, "VNC with password=on refuses who has none")
check(qmp("set_password", protocol="vnc", password="secret") == {}, "a password can be set")
qmp("quit")
check(hvrun.wait(20) == 0, "quit ends it")

# in a terminal
def tmux(*words):
    return subprocess.run(["tmux", "-L", "hvrun-test", *words], stdout=subprocess.PIPE,
                          text=True, check=False).stdout
if subprocess.run(["sh", "-c", "command -v tmux"], stdout=subprocess.DEVNULL).returncode:
    print("# no tmux: the terminal is not tested")
else:
    words = " ".join([os.environ["HVRUN"], *arguments])
    atexit.register(tmux, "kill-server")
    tmux("new-session", "-d", "-x", "90", "-y", "30",
         f"{words} -display curses; echo status $?; sleep 30")
    # the terminal may be seen while it is drawn
    shown = until(lambda: sentence in tmux("capture-pane", "-p"))
    check(bool(shown), "the text is in the terminal")
    row = bytes(range(0x80, 0xa0)).decode("cp437")
    shown = until(lambda: row in tmux("capture-pane", "-p"))
    check(bool(shown), "with the characters that code page 437 has")
    tmux("send-keys", "Space")
    check(bool(until(lambda: "640 x 400 pixels" in tmux("capture-pane", "-p"))),
          "a key; graphics are told in words")
    tmux("send-keys", "C-a", "x")
    check(bool(until(lambda: "status 0" in tmux("capture-pane", "-p"))), "Ctrl-A x ends it")
print(f"1..{count}")
sys.exit(bad > 0)
END
