#!/bin/sh
# Reproduces the shipped weights from the data they were trained on. A step that was interrupted continues where it stopped.
#
#   data/weights/recipe/make.sh NYU_TRAIN MOBILENET_NPZ RESNET_NPZ PHOTOS NOT_ROOMS [WORK]
#
# NYU_TRAIN: the official train split of NYU Depth V2 labelled, as a data folder (its format: poc/training/folder.py). MOBILENET_NPZ,
# RESNET_NPZ: the weights of MobileNetV2 1.0 and of ResNet-50 v2 from the ONNX model zoo, each initialiser saved as an array under its
# name by numpy.savez. PHOTOS: folder of interiors without depth. NOT_ROOMS: folder of pictures that show no room
# (not_rooms.txt, beside this file, lists those used for the shipped weights).
# WORK: folder for renders and checkpoints (default: runs/weights).
# Takes about twenty-two hours on two cores. It overwrites data/weights/embedded.onnx and .json; the version, the licence and the
# training data of all steps together are entered into the .json by hand.
set -eu
nyu=$1 mobilenet=$2 resnet=$3 photos=$4 not_rooms=$5 work=${6:-runs/weights}
here=$(dirname "$0")
[ -d "$not_rooms" ] || { echo "$not_rooms: no such folder of pictures that show no room" >&2; exit 2; }
poc=${POC:-.venv/bin/poc}
held_out=poc/training/nyu_val.txt

# RENDER: a Python interpreter with data/render/requirements.txt installed. About 6 seconds a photo on one core.
render() {  # PHOTOS SEED OUT
  "${RENDER:-python3}" data/render/make.py --out "$3" --count "$1" --seed "$2" --size 320x240 --samples 4 --threads 1
}

# 1. Train a small teacher on the NYU frames alone (about an hour on one core).
"$poc" train --data "$nyu" --held-out "$held_out" --init "$mobilenet" --recipe "$here/1_teacher.json" --threads 1 --out "$work/teacher"

# 2. Render rooms with exact depth and surfaces.
render "${ROOMS:-300}" 1000 "$work/renders"

# 3. Let the teacher label interiors that have no depth: every second photo, at most 716.
"$poc" label-photos "$photos" --teacher "$work/teacher/last.pt" --every 2 --limit 716 --out "$work/interiors"

# 4. Train a student on all three, starting from the teacher's weights (about two hours on one core).
"$poc" train --data "$nyu=0.65" --data "$work/renders=0.25" --data "$work/interiors=0.10" --held-out "$held_out" \
  --init "$work/teacher/last.pt" --recipe "$here/2_student.json" --threads 1 --out "$work/student"

# 5. Train it again from there, with a higher learning rate for the encoder (about two hours on one core): version 3.
"$poc" train --data "$nyu=0.68" --data "$work/renders=0.24" --data "$work/interiors=0.08" --held-out "$held_out" \
  --init "$work/student/last.pt" --recipe "$here/3_again.json" --threads 1 --out "$work/again"

# 6. Train a larger teacher, too slow to ship, on the same data with all interiors labelled by version 3 (100 minutes on two cores).
"$poc" label-photos "$photos" --teacher "$work/again/last.pt" --out "$work/interiors_again"
"$poc" train --data "$nyu=0.68" --data "$work/renders=0.24" --data "$work/interiors_again=0.08" --held-out "$held_out" \
  --init "$resnet" --recipe "$here/4_large_teacher.json" --threads 2 --out "$work/large"

# 7. Let it label all interiors, including their scale (a quarter of an hour); train version 4 on them and the other two (an hour on two
#    cores).
"$poc" label-photos "$photos" --teacher "$work/large/last.pt" --with-scale --out "$work/interiors_large"
"$poc" train --data "$nyu=0.56" --data "$work/renders=0.20" --data "$work/interiors_large=0.24" --held-out "$held_out" \
  --init "$work/again/last.pt" --recipe "$here/3_again.json" --threads 2 --out "$work/large_student" --export "$work/version4.onnx"

# 8. Train another large teacher, with rendered rooms of another seed, rotated cameras as well as crops, and interiors that it labels for
#    itself (50 minutes on two cores that compute in bfloat16, twice that on others); then on larger, mostly uncropped photos (half an hour).
render "${MORE_ROOMS:-350}" 5000 "$work/renders_more"
"$poc" train --data "$nyu=0.60" --data "$work/renders=0.13" --data "$work/renders_more=0.12" --photos "$photos=0.15" --held-out "$held_out" \
  --init "$resnet" --recipe "$here/5_teacher.json" --threads 2 --out "$work/turned"
"$poc" train --data "$nyu=0.80" --data "$work/renders=0.10" --data "$work/renders_more=0.10" --held-out "$held_out" \
  --init "$work/turned/last.pt" --recipe "$here/6_teacher_larger.json" --threads 2 --out "$work/larger"

# 9. Train version 4 for 40 more epochs, with this teacher labelling every sample (an hour and a half on two cores).
"$poc" train --data "$nyu=0.54" --data "$work/renders=0.10" --data "$work/renders_more=0.10" --photos "$photos=0.26" --held-out "$held_out" \
  --teacher "$work/larger/last.pt" --init "$work/version4.onnx" --recipe "$here/7_student.json" --threads 2 --out "$work/taught"

# 10. Train a few epochs on labels alone, up to the photos' edges, which the teacher had never seen; the result is
#     averaged with three tenths of the weights it started from. This gives version 5 (6 minutes).
"$poc" train --data "$nyu=0.70" --data "$work/renders=0.15" --data "$work/renders_more=0.15" --held-out "$held_out" \
  --init "$work/taught/last.pt" --recipe "$here/8_edges.json" --threads 2 --out "$work/edges" --export "$work/version5.onnx"

# 11. Train the large teacher on the photos' edges too, mostly at 320x240 (25 minutes).
"$poc" train --data "$nyu=0.76" --data "$work/renders=0.12" --data "$work/renders_more=0.12" --held-out "$held_out" \
  --init "$work/larger/last.pt" --recipe "$here/9_teacher_edges.json" --threads 2 --out "$work/larger_edges"

# 12. Train version 5 further, with that teacher labelling every sample (an hour and a half): version 6.
"$poc" train --data "$nyu=0.54" --data "$work/renders=0.10" --data "$work/renders_more=0.10" --photos "$photos=0.26" --held-out "$held_out" \
  --teacher "$work/larger_edges/last.pt" --init "$work/version5.onnx" --recipe "$here/10_student.json" --threads 2 --out "$work/taught_again" \
  --export "$work/version6.onnx"

# 13. Add self-attention to version 6, initialised to have no effect, and train as before (an hour and a half): version 7.
"$poc" train --data "$nyu=0.54" --data "$work/renders=0.10" --data "$work/renders_more=0.10" --photos "$photos=0.26" --held-out "$held_out" \
  --teacher "$work/larger_edges/last.pt" --init "$work/version6.onnx" --recipe "$here/11_student.json" --threads 2 --out "$work/looking"

# 14. Add a second attention block at stride 16 to version 7 and train with a larger share of interiors (an hour and a half): version 8.
"$poc" train --data "$nyu=0.48" --data "$work/renders=0.09" --data "$work/renders_more=0.09" --photos "$photos=0.34" --held-out "$held_out" \
  --teacher "$work/larger_edges/last.pt" --init "$work/looking/last.pt" --recipe "$here/12_student.json" --threads 2 --out "$work/looking_twice"

# 15. Train version 8 with three times the weight on the teacher's surfaces; the result is averaged with half of the weights it started from (an hour and
#     a half).
"$poc" train --data "$nyu=0.48" --data "$work/renders=0.09" --data "$work/renders_more=0.09" --photos "$photos=0.34" --held-out "$held_out" \
  --teacher "$work/larger_edges/last.pt" --init "$work/looking_twice/last.pt" --recipe "$here/13_student.json" --threads 2 --out "$work/half"

# 16. Train once more with that result as a second teacher, four times the weight on surfaces, all at 320x240 (an hour); then train the head
#     that recognises photos of rooms (ten minutes). This gives the shipped file, version 9.
"$poc" train --data "$nyu=0.48" --data "$work/renders=0.09" --data "$work/renders_more=0.09" --photos "$photos=0.34" --held-out "$held_out" \
  --teacher "$work/larger_edges/last.pt" --teacher "$work/half/last.pt" --init "$work/half/last.pt" --recipe "$here/14_student.json" --threads 2 \
  --not-rooms "$not_rooms" --out "$work/half_again" --export data/weights/embedded.onnx
