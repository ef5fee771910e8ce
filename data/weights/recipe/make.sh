#!/bin/sh
# Remakes the shipped weights from nothing but the data they were trained on. Every step goes on where it was stopped.
#
#   data/weights/recipe/make.sh NYU_TRAIN IMAGENET_NPZ PHOTOS [WORK]
#
# NYU_TRAIN: the official train split of NYU Depth V2 labelled, as a data folder. IMAGENET_NPZ: MobileNetV2 1.0 of the ONNX
# model zoo. PHOTOS: folder of interiors without depth. WORK: where renders and checkpoints go (default: runs/weights).
set -eu
nyu=$1 imagenet=$2 photos=$3 work=${4:-runs/weights}
here=$(dirname "$0")
poc=${POC:-.venv/bin/poc}
held_out=poc/training/nyu_val.txt

# 1. A teacher on the NYU frames alone (about an hour on one core).
"$poc" train --data "$nyu" --held-out "$held_out" --init "$imagenet" --recipe "$here/1_teacher.json" --threads 1 --out "$work/teacher"

# 2. Rooms of our own, with exact depth and surfaces (6 seconds each on one core). RENDER: a Python with data/render/requirements.txt.
"${RENDER:-python3}" data/render/make.py --out "$work/renders" --count "${ROOMS:-300}" --seed 1000 --size 320x240 --samples 4 --threads 1

# 3. Interiors without depth, labelled by the teacher: every second photo, at most 716.
"$poc" label-photos "$photos" --teacher "$work/teacher/last.pt" --every 2 --limit 716 --out "$work/interiors"

# 4. The student, from the teacher's weights, on all three (about two hours on one core).
"$poc" train --data "$nyu=0.65" --data "$work/renders=0.25" --data "$work/interiors=0.10" --held-out "$held_out" \
  --init "$work/teacher/last.pt" --recipe "$here/2_student.json" --threads 1 --out "$work/student"

# 5. The same once more from there, with a warmer encoder (about two hours), and the file that is shipped.
"$poc" train --data "$nyu=0.68" --data "$work/renders=0.24" --data "$work/interiors=0.08" --held-out "$held_out" \
  --init "$work/student/last.pt" --recipe "$here/3_again.json" --threads 1 --out "$work/again" --export data/weights/embedded.onnx
