#!/usr/bin/env python3
"""Writes the large scenes: arena.tscn, city.tscn and broken.tscn, in the folder of this file.

    python3 scenes/generate.py

The three files are checked in, so nobody needs to run this to use them: it says where they come from, and a change to a
scene is a change here. The output is the same bytes on every run and every machine: the only randomness is a small
generator of whole numbers with a fixed seed, and every coordinate is a whole number of thousandths until it is printed.
Nothing beyond Python's standard library is needed.

arena.tscn   a round arena: some hundreds of nodes in ranks and sectors, several levels deep, next to no data
city.tscn    blocks of towers on rolling ground, with the meshes inside the file: about 1.5 MB, most of it arrays
broken.tscn  the beginning of a smaller city, cut off in the middle of an array as by a full disk
"""

import pathlib
import struct

FOLDER = pathlib.Path(__file__).resolve().parent


class Dice:
    """Whole numbers that look random: the generator of Park and Miller, which every language can repeat."""

    def __init__(self, seed):
        self.state = seed

    def roll(self, low, high):
        """A whole number from low to high, both included."""
        self.state = self.state * 48271 % 0x7FFFFFFF
        return low + self.state % (high - low + 1)


def milli(value):
    """A whole number of thousandths as Godot prints a float inside a constructor: no zero that says nothing."""
    sign = "-" if value < 0 else ""
    whole, rest = divmod(abs(value), 1000)
    if rest == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest:03d}".rstrip("0")


def numbers(values):
    return ", ".join(milli(value) for value in values)


def at(x, y, z, turned=0):
    """A Transform3D at a place, turned about the vertical by so many quarters."""
    cos, sin = [(1, 0), (0, 1), (-1, 0), (0, -1)][turned % 4]
    basis = f"{cos}, 0, {sin}, 0, 1, 0, {-sin}, 0, {cos}"
    return f"Transform3D({basis}, {numbers([x, y, z])})"


class Scene:
    """Collects the sections of one file and writes them as Godot 4 does."""

    def __init__(self, uid):
        self.uid = uid
        self.external = []
        self.internal = []
        self.nodes = []
        self.connections = []

    def ext_resource(self, kind, uid, path, name):
        self.external.append(f'[ext_resource type="{kind}" uid="uid://{uid}" path="{path}" id="{name}"]\n')
        return f'ExtResource("{name}")'

    def sub_resource(self, kind, name, **properties):
        full = f"{kind}_{name}"
        self.internal.append(self.section(f'[sub_resource type="{kind}" id="{full}"]', properties))
        return f'SubResource("{full}")'

    def node(self, name, kind, parent=None, groups=(), instance=None, **properties):
        heading = f'[node name="{name}"'
        if kind is not None:
            heading += f' type="{kind}"'
        if parent is not None:
            heading += f' parent="{parent}"'
        if groups:
            heading += " groups=[" + ", ".join(f'"{group}"' for group in groups) + "]"
        if instance is not None:
            heading += f" instance={instance}"
        self.nodes.append(self.section(heading + "]", properties))

    def connection(self, signal, source, method):
        self.connections.append(f'[connection signal="{signal}" from="{source}" to="." method="{method}"]\n')

    @staticmethod
    def section(heading, properties):
        return "\n".join([heading, *(f"{key} = {value}" for key, value in properties.items())]) + "\n"

    def text(self):
        steps = len(self.external) + len(self.internal) + 1
        parts = [f'[gd_scene load_steps={steps} format=3 uid="uid://{self.uid}"]\n', "".join(self.external)]
        parts += self.internal + self.nodes
        if self.connections:
            parts.append("".join(self.connections))
        return "\n".join(parts)


def arena():
    scene = Scene("carena0rbit5k")
    script = scene.ext_resource("Script", "barenascr1pt7", "res://arena/arena.gd", "1_arena")
    gate = scene.ext_resource("PackedScene", "dg4te0fst4rs2", "res://arena/gate.tscn", "2_gate")
    drone = scene.ext_resource("PackedScene", "bdr0ne8hunter", "res://arena/drone.tscn", "3_drone")
    environment = scene.sub_resource("Environment", "arena", background_mode=1, fog_enabled="true")
    grey = "Color(0.41, 0.39, 0.36, 1)"
    stone = scene.sub_resource("StandardMaterial3D", "stone", albedo_color=grey, roughness="0.95")
    bench = scene.sub_resource("BoxMesh", "bench", material=stone, size="Vector3(3, 0.5, 1)")
    bench_shape = scene.sub_resource("BoxShape3D", "bench", size="Vector3(3, 0.5, 1)")
    disc = scene.sub_resource("CylinderMesh", "disc", material=stone, top_radius="20.0", bottom_radius="20.0")
    disc_shape = scene.sub_resource("CylinderShape3D", "disc", radius="20.0")

    scene.node("Arena", "Node3D", script=script, rounds=5)
    scene.node("WorldEnvironment", "WorldEnvironment", ".", environment=environment)
    scene.node("Ground", "StaticBody3D", ".", ["walkable"])
    scene.node("Mesh", "MeshInstance3D", "Ground", mesh=disc)
    scene.node("Shape", "CollisionShape3D", "Ground", shape=disc_shape)
    scene.node("Stands", "Node3D", ".")
    for sector in range(4):
        sector_path = f"Stands/Sector{sector + 1}"
        scene.node(f"Sector{sector + 1}", "Node3D", "Stands", transform=at(0, 0, 0, sector))
        for rank in range(5):
            rank_path = f"{sector_path}/Rank{rank + 1}"
            scene.node(f"Rank{rank + 1}", "Node3D", sector_path, transform=at(0, 500 * rank, 21000 + 1500 * rank))
            for seat in range(6):
                seat_path = f"{rank_path}/Bench{seat + 1}"
                place = at(3500 * seat - 8750, 0, 0)
                scene.node(f"Bench{seat + 1}", "StaticBody3D", rank_path, ["seat"], transform=place)
                scene.node("Mesh", "MeshInstance3D", seat_path, mesh=bench)
                scene.node("Shape", "CollisionShape3D", seat_path, shape=bench_shape)
        scene.node(f"Gate{sector + 1}", None, ".", instance=gate, transform=at(0, 0, 0, sector), sector=sector)
        scene.connection("opened", f"Gate{sector + 1}", "_on_gate_opened")
    dice = Dice(1905)
    scene.node("Drones", "Node3D", ".")
    for drone_number in range(24):
        place = at(dice.roll(-15000, 15000), dice.roll(2000, 9000), dice.roll(-15000, 15000), dice.roll(0, 3))
        scene.node(f"Drone{drone_number + 1}", None, "Drones", ["enemy"], drone, transform=place)
        scene.connection("destroyed", f"Drones/Drone{drone_number + 1}", "_on_drone_destroyed")
    return scene.text()


def ground_mesh(dice, cells):
    """Heights on a square lattice as a concave shape: two triangles a cell, nine numbers each."""
    heights = [[dice.roll(-1500, 1500) for _ in range(cells + 1)] for _ in range(cells + 1)]
    step = 10000
    faces = []
    for row in range(cells):
        for column in range(cells):
            corners = [
                (column + right, row + down) for right, down in [(0, 0), (1, 0), (0, 1), (1, 0), (1, 1), (0, 1)]
            ]
            for x, z in corners:
                faces += [x * step, heights[z][x], z * step]
    return f"PackedVector3Array({numbers(faces)})"


def tower_mesh(dice, floors, material):
    """One surface of an ArrayMesh: stacked rings of eight corners, each ring a little off.

    The bytes are laid out as Godot 4.2 and later lay out a surface of bare positions: three 32-bit floats a vertex, 16
    bits an index, and the number of that layout as the format.
    """
    ring = [(1000, 0), (707, 707), (0, 1000), (-707, 707), (-1000, 0), (-707, -707), (0, -1000), (707, -707)]
    vertices, indices = [], []
    for floor in range(floors + 1):
        width = 6 - 3 * floor // floors
        for x, z in ring:
            vertices += [x * width + dice.roll(-90, 90), floor * 3500, z * width + dice.roll(-90, 90)]
    for floor in range(floors):
        for corner in range(8):
            low, beside = floor * 8 + corner, floor * 8 + (corner + 1) % 8
            indices += [low, beside, low + 8, beside, beside + 8, low + 8]
    axes = [vertices[axis::3] for axis in range(3)]
    box = [min(axis) for axis in axes] + [max(axis) - min(axis) for axis in axes]
    vertex_data = struct.pack(f"<{len(vertices)}f", *(value / 1000 for value in vertices))
    index_data = struct.pack(f"<{len(indices)}H", *indices)
    fields = {
        "aabb": f"AABB({numbers(box)})",
        "format": 34359742465,
        "index_count": len(indices),
        "index_data": f"PackedByteArray({', '.join(map(str, index_data))})",
        "material": material,
        "primitive": 3,
        "uv_scale": "Vector4(0, 0, 0, 0)",
        "vertex_count": len(vertices) // 3,
        "vertex_data": f"PackedByteArray({', '.join(map(str, vertex_data))})",
    }
    return "[{\n" + ",\n".join(f'"{key}": {value}' for key, value in fields.items()) + "\n}]"


def city(uid, blocks, lots, floors, cells):
    dice = Dice(1915)
    scene = Scene(uid)
    script = scene.ext_resource("Script", "bc1tyscr1pt40", "res://city/city.gd", "1_city")
    tram = scene.ext_resource("PackedScene", "ctr4ml1ne6bee", "res://city/tram.tscn", "2_tram")
    facade = scene.ext_resource("Texture2D", "bf4cad3t1les0", "res://city/facade.png", "3_facade")
    environment = scene.sub_resource("Environment", "city", background_mode=2, ssao_enabled="true")
    glass = scene.sub_resource("StandardMaterial3D", "glass", albedo_texture=facade, metallic="0.6", roughness="0.2")
    ground = scene.sub_resource("ConcavePolygonShape3D", "ground", data=ground_mesh(dice, cells))
    lot_shape = scene.sub_resource("BoxShape3D", "lot", size="Vector3(14, 80, 14)")

    scene.node("City", "Node3D", script=script, districts='PackedStringArray("Minkowski", "Noether", "Schwarzschild")')
    scene.node("WorldEnvironment", "WorldEnvironment", ".", environment=environment)
    scene.node("Ground", "StaticBody3D", ".", ["walkable"])
    scene.node("Shape", "CollisionShape3D", "Ground", shape=ground)
    scene.node("Blocks", "Node3D", ".")
    for block in range(blocks * blocks):
        row, column = divmod(block, blocks)
        block_path = f"Blocks/Block{block + 1}"
        scene.node(f"Block{block + 1}", "Node3D", "Blocks", transform=at(column * 60000, 0, row * 60000))
        for lot in range(lots):
            name = f"b{block + 1}t{lot + 1}"
            surface = tower_mesh(dice, floors + dice.roll(0, 6), glass)
            mesh = scene.sub_resource("ArrayMesh", name, _surfaces=surface)
            lot_path = f"{block_path}/Tower{lot + 1}"
            place = at(lot % 3 * 18000, 0, lot // 3 * 18000, dice.roll(0, 3))
            scene.node(f"Tower{lot + 1}", "StaticBody3D", block_path, ["building"], transform=place)
            scene.node("Mesh", "MeshInstance3D", lot_path, mesh=mesh)
            scene.node("Shape", "CollisionShape3D", lot_path, shape=lot_shape)
            for lamp in range(dice.roll(0, 2)):
                scene.node(f"Lamp{lamp + 1}", "OmniLight3D", lot_path, light_energy=f"{dice.roll(1, 4)}.0")
        if block % 5 == 0:
            scene.node("Tram", None, block_path, ["vehicle"], tram, line=block // 5 + 1)
            scene.connection("arrived", f"{block_path}/Tram", "_on_tram_arrived")
    return scene.text()


def broken():
    """A small city whose file ends at the first boundary of 4096 bytes that falls inside an array of vertices."""
    whole = city("dbr0kenc1ty00", 2, 2, 6, 8)
    end = 8192
    while whole.rfind("(", 0, end) < whole.rfind(")", 0, end) or "vertex_data" not in whole[:end].splitlines()[-1]:
        end += 4096
        assert end < len(whole), "some boundary must fall inside an array of vertices"
    return whole[:end]


def main():
    scenes = {
        "arena.tscn": arena(),
        "city.tscn": city("bc1ty5k1ine88", 5, 6, 8, 40),
        "broken.tscn": broken(),
    }
    for name, text in scenes.items():
        (FOLDER / name).write_bytes(text.encode("ascii"))
        print(f"{name}: {len(text)} bytes")


if __name__ == "__main__":
    main()
