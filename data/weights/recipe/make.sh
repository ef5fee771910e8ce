#!/bin/sh
# Remakes the shipped weights from nothing but the data they were trained on. Every step goes on where it was stopped.
#
#   data/weights/recipe/make.sh NYU_TRAIN MOBILENET_NPZ RESNET_NPZ PHOTOS NOT_ROOMS [WORK]
#
# NYU_TRAIN: the official train split of NYU Depth V2 labelled, as a data folder (its format: poc/training/folder.py). MOBILENET_NPZ,
# RESNET_NPZ: the weights of MobileNetV2 1.0 and of ResNet-50 v2 of the ONNX model zoo: each initialiser an array under its name,
# saved by numpy.savez. PHOTOS: folder of interiors without depth. NOT_ROOMS: folder of pictures that show no room
# (those of the shipped weights are named in not_rooms.txt, beside this file).
# WORK: where renders and checkpoints go (default: runs/weights).
# About twenty-two hours on two cores. It writes over data/weights/embedded.onnx and .json; the version, the licence and the training
# data of all steps together are put into the .json by hand.
set -eu
nyu=$1 mobilenet=$2 resnet=$3 photos=$4 not_rooms=$5 work=${6:-runs/weights}
here=$(dirname "$0")
[ -d "$not_rooms" ] || { echo "$not_rooms: no such folder of pictures that show no room" >&2; exit 2; }
poc=${POC:-.venv/bin/poc}
held_out=poc/training/nyu_val.txt

# RENDER: a Python with data/render/requirements.txt. 6 seconds a photo on one core.
render() {  # PHOTOS SEED OUT
  "${RENDER:-python3}" data/render/make.py --out "$3" --count "$1" --seed "$2" --size 320x240 --samples 4 --threads 1
}

# 1. A small teacher on the NYU frames alone (about an hour on one core).
"$poc" train --data "$nyu" --held-out "$held_out" --init "$mobilenet" --recipe "$here/1_teacher.json" --threads 1 --out "$work/teacher"

# 2. Rooms of our own, with exact depth and surfaces.
render "${ROOMS:-300}" 1000 "$work/renders"

# 3. Interiors without depth, labelled by the teacher: every second photo, at most 716.
"$poc" label-photos "$photos" --teacher "$work/teacher/last.pt" --every 2 --limit 716 --out "$work/interiors"

# 4. A student, from the teacher's weights, on all three (about two hours on one core).
"$poc" train --data "$nyu=0.65" --data "$work/renders=0.25" --data "$work/interiors=0.10" --held-out "$held_out" \
  --init "$work/teacher/last.pt" --recipe "$here/2_student.json" --threads 1 --out "$work/student"

# 5. The same once more from there, with a warmer encoder (about two hours on one core): version 3.
"$poc" train --data "$nyu=0.68" --data "$work/renders=0.24" --data "$work/interiors=0.08" --held-out "$held_out" \
  --init "$work/student/last.pt" --recipe "$here/3_again.json" --threads 1 --out "$work/again"

# 6. A larger teacher, too slow to ship (100 minutes on two cores), on the same with all interiors as version 3 sees them.
"$poc" label-photos "$photos" --teacher "$work/again/last.pt" --out "$work/interiors_again"
"$poc" train --data "$nyu=0.68" --data "$work/renders=0.24" --data "$work/interiors_again=0.08" --held-out "$held_out" \
  --init "$resnet" --recipe "$here/4_large_teacher.json" --threads 2 --out "$work/large"

# 7. All interiors labelled by it, scale and all (a quarter of an hour), and from them, with the other two, version 4 (an hour on two cores).
"$poc" label-photos "$photos" --teacher "$work/large/last.pt" --with-scale --out "$work/interiors_large"
"$poc" train --data "$nyu=0.56" --data "$work/renders=0.20" --data "$work/interiors_large=0.24" --held-out "$held_out" \
  --init "$work/again/last.pt" --recipe "$here/3_again.json" --threads 2 --out "$work/large_student" --export "$work/version4.onnx"

# 8. Another large teacher: rendered rooms of another seed too, cameras that are turned as well as crops, interiors that it labels for itself
#    (50 minutes on two cores that compute in bfloat16, twice that on others); then larger photos, mostly whole ones (half an hour).
render "${MORE_ROOMS:-350}" 5000 "$work/renders_more"
"$poc" train --data "$nyu=0.60" --data "$work/renders=0.13" --data "$work/renders_more=0.12" --photos "$photos=0.15" --held-out "$held_out" \
  --init "$resnet" --recipe "$here/5_teacher.json" --threads 2 --out "$work/turned"
"$poc" train --data "$nyu=0.80" --data "$work/renders=0.10" --data "$work/renders_more=0.10" --held-out "$held_out" \
  --init "$work/turned/last.pt" --recipe "$here/6_teacher_larger.json" --threads 2 --out "$work/larger"

# 9. Version 4 goes on for 40 epochs and asks this teacher about all it sees (an hour and a half on two cores).
"$poc" train --data "$nyu=0.54" --data "$work/renders=0.10" --data "$work/renders_more=0.10" --photos "$photos=0.26" --held-out "$held_out" \
  --teacher "$work/larger/last.pt" --init "$work/version4.onnx" --recipe "$here/7_student.json" --threads 2 --out "$work/taught"

# 10. A few epochs on labels alone, up to the photos' edges, of which the teacher knew nothing; the result keeps three tenths of what it
#     was. From it version 5 (6 minutes).
"$poc" train --data "$nyu=0.70" --data "$work/renders=0.15" --data "$work/renders_more=0.15" --held-out "$held_out" \
  --init "$work/taught/last.pt" --recipe "$here/8_edges.json" --threads 2 --out "$work/edges" --export "$work/version5.onnx"

# 11. The large teacher learns the photos' edges too, at 320x240 mostly (25 minutes).
"$poc" train --data "$nyu=0.76" --data "$work/renders=0.12" --data "$work/renders_more=0.12" --held-out "$held_out" \
  --init "$work/larger/last.pt" --recipe "$here/9_teacher_edges.json" --threads 2 --out "$work/larger_edges"

# 12. Version 5 goes on and asks it about all it sees (an hour and a half): version 6.
"$poc" train --data "$nyu=0.54" --data "$work/renders=0.10" --data "$work/renders_more=0.10" --photos "$photos=0.26" --held-out "$held_out" \
  --teacher "$work/larger_edges/last.pt" --init "$work/version5.onnx" --recipe "$here/10_student.json" --threads 2 --out "$work/taught_again" \
  --export "$work/version6.onnx"

# 13. Version 6 gets self-attention, which starts as nothing, and goes on as before (an hour and a half): version 7.
"$poc" train --data "$nyu=0.54" --data "$work/renders=0.10" --data "$work/renders_more=0.10" --photos "$photos=0.26" --held-out "$held_out" \
  --teacher "$work/larger_edges/last.pt" --init "$work/version6.onnx" --recipe "$here/11_student.json" --threads 2 --out "$work/looking"

# 14. Version 7 looks once more at stride 16 and goes on, asking about more interiors (an hour and a half): version 8.
"$poc" train --data "$nyu=0.48" --data "$work/renders=0.09" --data "$work/renders_more=0.09" --photos "$photos=0.34" --held-out "$held_out" \
  --teacher "$work/larger_edges/last.pt" --init "$work/looking/last.pt" --recipe "$here/12_student.json" --threads 2 --out "$work/looking_twice"

# 15. Version 8 goes on with the teacher's surfaces weighing three times as much; the result keeps half of what it was (an hour and a half).
"$poc" train --data "$nyu=0.48" --data "$work/renders=0.09" --data "$work/renders_more=0.09" --photos "$photos=0.34" --held-out "$held_out" \
  --teacher "$work/larger_edges/last.pt" --init "$work/looking_twice/last.pt" --recipe "$here/13_student.json" --threads 2 --out "$work/half"

# 16. Once more, asking that beside the teacher, surfaces weighing four times as much, all at 320x240 (an hour). Then it learns what is no room (ten minutes). From it the file that
#     is shipped, version 9.
"$poc" train --data "$nyu=0.48" --data "$work/renders=0.09" --data "$work/renders_more=0.09" --photos "$photos=0.34" --held-out "$held_out" \
  --teacher "$work/larger_edges/last.pt" --teacher "$work/half/last.pt" --init "$work/half/last.pt" --recipe "$here/14_student.json" --threads 2 \
  --not-rooms "$not_rooms" --out "$work/half_again" --export data/weights/embedded.onnx
